/** One fine request for each route, by its function's name; tests of every route are made of these. */
import { aHeartbeat, aSubmission } from "./http-fleet.js";

export interface FineRequest {
  readonly method: string;
  /** `nothing` stands where an id would: there is nothing of that name. */
  readonly path: string;
  /** Absent: the route takes no body. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Who the request's factory is, where the body names one. */
export const FACTORY = "f1";
const FENCED = { factoryId: FACTORY, leaseEpoch: 1 };

/** Routes that need a credential. */
export const GUARDED: Readonly<Record<string, FineRequest>> = {
  "submit-job": { method: "POST", path: "/fleet/jobs", body: aSubmission() },
  "submit-batch": { method: "POST", path: "/fleet/jobs/batch", body: { jobs: [aSubmission()] } },
  "list-jobs": { method: "GET", path: "/fleet/jobs" },
  "get-job": { method: "GET", path: "/fleet/jobs/nothing" },
  "patch-job": { method: "PATCH", path: "/fleet/jobs/nothing", body: FENCED },
  "cancel-job": { method: "POST", path: "/fleet/jobs/nothing/cancel", body: { reason: "not needed" } },
  "redrive-job": { method: "POST", path: "/fleet/jobs/nothing/redrive", body: { budget: { usd: 1 } } },
  "bulk-jobs": {
    method: "POST",
    path: "/fleet/jobs/bulk",
    body: { action: "cancel", filter: { parentId: "nobody" } },
  },
  claim: { method: "POST", path: "/fleet/claim", body: { factoryId: FACTORY } },
  "renew-lease": { method: "POST", path: "/fleet/jobs/nothing/lease/renew", body: FENCED },
  "release-lease": { method: "POST", path: "/fleet/jobs/nothing/lease/release", body: FENCED },
  heartbeat: { method: "POST", path: "/fleet/factories/heartbeat", body: aHeartbeat(FACTORY) },
  "list-runs": { method: "GET", path: "/fleet/jobs/nothing/runs" },
  "list-events": { method: "GET", path: "/fleet/jobs/nothing/events" },
  "list-artifacts": { method: "GET", path: "/fleet/jobs/nothing/artifacts" },
  "add-artifact": {
    method: "POST",
    path: "/fleet/jobs/nothing/artifacts",
    body: { ...FENCED, name: "log.txt", contentType: "text/plain" },
  },
  "list-factories": { method: "GET", path: "/fleet/factories" },
  "get-factory": { method: "GET", path: "/fleet/factories/nothing" },
  "put-profile": { method: "PUT", path: "/fleet/profiles/p", body: { snapshot: { model: "opus" } } },
  "get-profile": { method: "GET", path: "/fleet/profiles/nothing" },
  "list-profiles": { method: "GET", path: "/fleet/profiles" },
  stats: { method: "GET", path: "/fleet/stats" },
};

/** Routes that anybody may call. */
export const OPEN: Readonly<Record<string, FineRequest>> = {
  health: { method: "GET", path: "/fleet/health" },
  openapi: { method: "GET", path: "/fleet/openapi.json" },
  "unknown-path": { method: "GET", path: "/fleet/nothing" },
};
