/**
 * Redrive: a job that failed, or was put aside, goes back into the queue, from its checkpoint and with all
 * its attempts; perhaps with a larger budget.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | **one write of the job** → `queued`, or `blocked` with deps; attempt 0; failure and notBefore gone | done; the sweep judges its deps and settles the lease |
 * | deps judged, the old lease and run ended | – |
 */
import type { Budget, Job } from "../schema/job.js";
import type { RedriveRequest } from "../schema/requests.js";
import type { Stage } from "../schema/stages.js";
import { isOverBudget } from "./budget.js";
import { changeJob, operation } from "./change-job.js";
import { toRedriven } from "./endings.js";
import { requeued } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { withRoom } from "./queue-room.js";
import type { QueueFull } from "./queue-room.js";
import { isTombstone } from "./tombstone.js";

export type Redriven =
  | { kind: "redriven"; job: Job }
  | { kind: "illegal_transition"; from: Stage; to: Stage; allowed: readonly Stage[] }
  /** More is spent than the job may: it would end again with its first report. */
  | { kind: "budget_spent"; budget: Budget; spent: NonNullable<Job["spent"]> }
  | { kind: "idempotency_conflict"; jobId: string; stage: Stage }
  /** It would make one more job wait than the product may have. */
  | QueueFull
  | { kind: "not_found" };

type Verdict =
  Exclude<Redriven, { kind: "redriven" | "idempotency_conflict" | "not_found" }> | { kind: "redriven" };

/** Puts the job back into the queue. With a key, a repetition answers the same and changes nothing. */
export function redrive(
  fleet: Fleet,
  productId: string,
  jobId: string,
  request: RedriveRequest,
  key?: string,
): Promise<Redriven> {
  const once = (full?: QueueFull): Promise<Redriven> =>
    redriveOnce(fleet, productId, jobId, { request, key, full });
  return withRoom(fleet, productId, once, ({ kind }) => kind === "redriven");
}

async function redriveOnce(
  fleet: Fleet,
  productId: string,
  jobId: string,
  { request, key, full }: { request: RedriveRequest; key: string | undefined; full: QueueFull | undefined },
): Promise<Redriven> {
  const changed = await changeJob<Verdict>(fleet, {
    productId,
    jobId,
    operation: {
      ...operation(fleet, { route: "redrive", key }, request),
      // Its answer may be lost, and the job claimed at once.
      ...(key === undefined ? {} : { survivesClaim: true }),
    },
    storeEvents: "always",
    judge: (job) => {
      // A tombstone's history is gone, or going: it never opens again.
      if ((job.stage !== "failed" && job.stage !== "dead_letter") || isTombstone(job)) {
        const refusal = { kind: "illegal_transition", from: job.stage, to: "queued", allowed: [] } as const;
        return { kind: "refused", answer: refusal };
      }
      const budget = request.budget && { ...job.budget, ...request.budget };
      const next = toRedriven(job, budget, fleet.clock.now());
      if (next.budget !== undefined && next.spent !== undefined && isOverBudget(next, fleet.clock.now())) {
        const { spent } = next;
        return { kind: "refused", answer: { kind: "budget_spent", budget: next.budget, spent } };
      }
      if (full !== undefined) return { kind: "refused", answer: full };
      return { kind: "write", next, answer: { kind: "redriven" } };
    },
    repeated: () => ({ kind: "redriven" }),
  });
  if (changed.kind === "not_found") return changed;
  if (changed.kind === "idempotency_conflict")
    return { kind: "idempotency_conflict", jobId, stage: changed.job.doc.stage };
  if (changed.answer.kind !== "redriven") return changed.answer;
  // A repetition may find the job with its next owner, whose lease is none of its business.
  if (changed.kind !== "changed") return { kind: "redriven", job: changed.job.doc };
  return { kind: "redriven", job: (await requeued(fleet, changed.job)).job };
}
