import type { Job } from "../../shared/schema/job.js";
import type { Doc, Operation } from "./operation.js";

/** What a write does on behalf of whoever asked for it. Tidying up (events, runs, unblocking) is no effect. */
export function effectOf(
  container: Operation["container"],
  after: Doc,
  before: Doc | undefined,
): string | undefined {
  if (container === "fleet_factories") return "heartbeat";
  if (container === "fleet_leases") return after["status"] === "held" ? "lease" : undefined;
  if (container !== "fleet_jobs" || after["eventSeq"] === before?.["eventSeq"]) return undefined;
  // Of whoever fails with a dependency nobody asked it.
  const type = (after as unknown as Job).outbox.at(-1)?.type;
  if (type === "failed" && before?.["stage"] === "blocked") return undefined;
  return type === "expired" || type === "blocked" || type === "unblocked" ? undefined : type;
}
