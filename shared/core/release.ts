/**
 * Release: the holder gives an unfinished job back, with its checkpoint. The attempt is not counted.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | read the job (and, ahead, lease and run); fence; **one write of the job**: back to the queue, checkpoint, event | the lease runs out; the sweep settles it, closes the run and judges the deps |
 * | the lease → `released`, the run closed, deps judged | – |
 *
 * The job first: with the lease first, a crash would lose the checkpoint, since the sweep requeues the
 * job and the repeated release finds itself fenced.
 */
import type { Job, OwnedJob } from "../schema/job.js";
import type { Lease } from "../schema/lease.js";
import type { ReleaseRequest } from "../schema/requests.js";
import { isFinalStage } from "../schema/stages.js";
import type { Directive } from "../schema/wire.js";
import { toReleased } from "./advance.js";
import { isOverBudget } from "./budget.js";
import { changeJob, operation } from "./change-job.js";
import { toOverBudget } from "./endings.js";
import { CONTINUE, fence } from "./fence.js";
import type { Fenced, Identity } from "./fence.js";
import { finish, lookAhead, requeued } from "./finish.js";
import type { Ahead } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { mergeInsights } from "./insights.js";
import { recordLateReport } from "./late-report.js";
import type { Stored } from "./ports/store.js";

export type Released =
  | { kind: "released"; job: Job; lease: Lease | undefined; directive: Directive }
  | Fenced
  | { kind: "idempotency_conflict"; jobId: string; stage: Job["stage"] }
  | { kind: "not_found" };

/** Puts the worker's job back into the queue. With a key, a repetition answers the same. */
export async function release(
  fleet: Fleet,
  productId: string,
  jobId: string,
  request: ReleaseRequest,
  key?: string,
): Promise<Released> {
  const { factoryId, leaseEpoch } = request;
  // Both are awaited, whatever comes of the change: nothing runs on after an answer.
  const looking = lookAhead(fleet, jobId, leaseEpoch);
  const changed = await changeJob<{ kind: "released" } | Fenced>(fleet, {
    productId,
    jobId,
    operation: operation(fleet, { route: "release", factoryId, leaseEpoch, key }, request),
    leaseEpoch,
    storeEvents: "when_half_full",
    judge: (job) => {
      const verdict = fence(job, request);
      if (verdict.kind !== "current") return { kind: "refused", answer: verdict };
      const owned = withLastReport(verdict.job, request);
      const nowMs = fleet.clock.now();
      const next = isOverBudget(owned, nowMs)
        ? toOverBudget(
            owned,
            request.checkpoint === undefined ? {} : { checkpoint: request.checkpoint },
            nowMs,
          )
        : toReleased(owned, request.reason, nowMs);
      return { kind: "write", next, answer: { kind: "released" } };
    },
    repeated: () => ({ kind: "released" }),
  }).finally(() => looking);
  if (changed.kind === "not_found") return changed;
  if (changed.kind === "idempotency_conflict") {
    return { kind: "idempotency_conflict", jobId, stage: changed.job.doc.stage };
  }
  if (changed.kind !== "changed") await recordLateReport(fleet, changed.job.doc, request, request.insights);
  if (changed.answer.kind !== "released") return changed.answer;
  return { kind: "released", ...(await left(fleet, changed.job, request, await looking)) };
}

/** The job with what its holder says as it leaves. */
function withLastReport(owned: OwnedJob, { checkpoint, insights }: ReleaseRequest): OwnedJob {
  return {
    ...owned,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(owned.run === undefined
      ? {}
      : { run: { ...owned.run, insights: mergeInsights(owned.run.insights, insights) } }),
  };
}

/** What follows the write: the job waits again, or is over with its budget, and the worker is told why. */
async function left(
  fleet: Fleet,
  job: Stored<Job>,
  who: Identity,
  ahead: Ahead,
): Promise<{ job: Job; lease: Lease | undefined; directive: Directive }> {
  if (!isFinalStage(job.doc.stage)) return { ...(await requeued(fleet, job, ahead)), directive: CONTINUE };
  const lease = await finish(fleet, job);
  const verdict = fence(job.doc, who);
  return { job: job.doc, lease, directive: verdict.kind === "current" ? CONTINUE : verdict.directive };
}
