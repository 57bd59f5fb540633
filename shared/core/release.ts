/**
 * Release: the holder gives an unfinished job back, with its checkpoint. The attempt is not counted.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | read the job; fence; **one write of the job**: back to the queue, checkpoint, event | the lease runs out; the sweep settles it, closes the run and judges the deps |
 * | the lease → `released`, the run closed, deps judged | – |
 *
 * The job first: with the lease first, a crash would lose the checkpoint, since the sweep requeues the
 * job and the repeated release finds itself fenced.
 */
import type { Job } from "../schema/job.js";
import type { Lease } from "../schema/lease.js";
import type { ReleaseRequest } from "../schema/requests.js";
import { toReleased } from "./advance.js";
import { changeJob, operation } from "./change-job.js";
import { fence } from "./fence.js";
import type { Fenced } from "./fence.js";
import { requeued } from "./finish.js";
import type { Fleet } from "./fleet.js";

export type Released =
  | { kind: "released"; job: Job; lease: Lease | undefined }
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
  const changed = await changeJob<{ kind: "released" } | Fenced>(fleet, {
    productId,
    jobId,
    operation: operation(fleet, { route: "release", factoryId, leaseEpoch, key }, request),
    leaseEpoch,
    storeEvents: "when_half_full",
    judge: (job) => {
      const verdict = fence(job, request);
      if (verdict.kind !== "current") return { kind: "refused", answer: verdict };
      const checkpoint = request.checkpoint ?? verdict.job.checkpoint;
      const owned = { ...verdict.job, ...(checkpoint === undefined ? {} : { checkpoint }) };
      return {
        kind: "write",
        next: toReleased(owned, request.reason, fleet.clock.now()),
        answer: { kind: "released" },
      };
    },
    repeated: () => ({ kind: "released" }),
  });
  if (changed.kind === "not_found") return changed;
  if (changed.kind === "idempotency_conflict") {
    return { kind: "idempotency_conflict", jobId, stage: changed.job.doc.stage };
  }
  if (changed.answer.kind !== "released") return changed.answer;
  return { kind: "released", ...(await requeued(fleet, changed.job)) };
}
