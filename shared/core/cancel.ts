/**
 * Cancel: a producer or an operator ends a job that is not final, whoever holds it.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | read the job: owned? Then the lease → `expired` at the job's epoch, as a reaper does | nothing was promised: the reaper puts the job back |
 * | **one write of the job** → `failed`, `failure.kind` cancelled; of an owned one epoch + 1, holder gone | done; `dirty`, the sweep does the rest |
 * | lease, run, dependants; then `dirty` goes | – |
 *
 * The lease first, for the same reason as in reap.ts: otherwise a half-done claim could be told that it
 * holds a job that is cancelled. Between the two a worker may still ship: its epoch is current, and then
 * the cancel comes too late and says so.
 */
import type { Job, OwnedJob } from "../schema/job.js";
import type { CancelRequest } from "../schema/requests.js";
import { isFinalStage } from "../schema/stages.js";
import type { Stage } from "../schema/stages.js";
import { afterWrite } from "./after-write.js";
import { isOwned } from "./advance.js";
import { backOff, changeJob, operation } from "./change-job.js";
import type { Changed, Operation } from "./change-job.js";
import { toCancelled } from "./endings.js";
import { finish } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { revokeLease } from "./lease-writes.js";
import { StoreUnavailable } from "./ports/store.js";
import type { Stored } from "./ports/store.js";

/** Tries against a holder that renews, a reaper, and claims in between: each takes one. */
const CANCEL_TRIES_MAX = 8;

export type Cancelled =
  | { kind: "cancelled"; job: Job }
  | { kind: "illegal_transition"; from: Stage; to: Stage; allowed: readonly Stage[] }
  | { kind: "idempotency_conflict"; jobId: string; stage: Stage }
  | { kind: "not_found" };

type Verdict = Extract<Cancelled, { kind: "illegal_transition" }> | { kind: "cancelled" } | { kind: "owned" };

/** Ends the job as cancelled. Repeated, or with it cancelled before, it answers the same and changes nothing. */
export async function cancel(
  fleet: Fleet,
  productId: string,
  jobId: string,
  request: CancelRequest,
  key?: string,
): Promise<Cancelled> {
  const named = operation(fleet, { route: "cancel", key }, request);
  // A late duplicate must not end the life that a redrive began.
  const op: Operation = key === undefined ? named : { ...named, survivesClaim: true };
  let fencedOff: OwnedJob | undefined;
  for (let attempt = 0; attempt < CANCEL_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    const change = (): Promise<Changed<Verdict>> =>
      changeJob<Verdict>(fleet, {
        productId,
        jobId,
        operation: op,
        storeEvents: "always",
        judge: (job) => {
          if (isCancelled(job)) return { kind: "settled", answer: { kind: "cancelled" } };
          if (isFinalStage(job.stage)) {
            const refusal = {
              kind: "illegal_transition",
              from: job.stage,
              to: "failed",
              allowed: [],
            } as const;
            return { kind: "refused", answer: refusal };
          }
          // Only an owner whose lease was revoked: there may be another by now.
          if (isOwned(job) && job.leaseEpoch !== fencedOff?.leaseEpoch)
            return { kind: "settled", answer: { kind: "owned" } };
          return {
            kind: "write",
            next: toCancelled(job, request.reason, fleet.clock.now()),
            answer: { kind: "cancelled" },
          };
        },
        repeated: () => ({ kind: "cancelled" }),
      });
    // Once a lease was revoked, nothing may say that nothing was done.
    const changed = await (attempt === 0 ? change() : afterWrite(change));
    if (changed.kind === "not_found") return changed;
    if (changed.kind === "idempotency_conflict")
      return { kind: "idempotency_conflict", jobId, stage: changed.job.doc.stage };
    const { job, answer } = changed;
    if (answer.kind === "illegal_transition") return answer;
    if (answer.kind === "cancelled") {
      await finish(fleet, job);
      return { kind: "cancelled", job: job.doc };
    }
    // An earlier write of this call may have had no answer, and may happen yet.
    fencedOff = await afterWrite(() => fenceOff(fleet, job));
  }
  throw new StoreUnavailable(`${CANCEL_TRIES_MAX} tries lost on the lease of job ${jobId}`);
}

/** The owner, once its lease is revoked; undefined when somebody was faster, or this view of the job is old. */
async function fenceOff(fleet: Fleet, { doc }: Stored<Job>): Promise<OwnedJob | undefined> {
  if (!isOwned(doc)) return undefined;
  const lease = await fleet.leases.get(doc.id, doc.id);
  if (lease !== undefined && lease.doc.leaseEpoch > doc.leaseEpoch) return undefined;
  const revoked = lease?.doc.leaseEpoch === doc.leaseEpoch && lease.doc.status !== "held";
  return revoked || (await revokeLease(fleet, doc, lease)) ? doc : undefined;
}

function isCancelled({ stage, failure }: Job): boolean {
  return stage === "failed" && failure?.kind === "cancelled";
}
