import type { Job } from "../../shared/schema/job.js";
import type { Doc, Operation } from "./operation.js";

/** What a write does on behalf of whoever asked for it. Tidying up (events, runs, unblocking) is no effect. */
export function effectOf(
  container: Operation["container"],
  after: Doc,
  before: Doc | undefined,
): string | undefined {
  if (container === "fleet_factories") return "heartbeat";
  if (container === "fleet_profiles") return "profile";
  if (container === "fleet_leases") return after["status"] === "held" ? "lease" : undefined;
  if (container !== "fleet_jobs" || after["eventSeq"] === before?.["eventSeq"]) return undefined;
  // Of whoever fails with a dependency nobody asked it.
  const event = (after as unknown as Job).outbox.at(-1);
  const type = event?.type;
  if (type === "failed" && before?.["stage"] === "blocked") return undefined;
  // A claim that finds nothing reaps on the way, whatever becomes of what it reaped.
  const reaped = event?.actor === undefined && (type === "dead_lettered" || type === "over_budget");
  return reaped || type === "expired" || type === "blocked" || type === "unblocked" ? undefined : type;
}
