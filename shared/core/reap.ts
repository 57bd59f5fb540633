/**
 * Reap: a job whose lease is over goes back to the queue, with its checkpoint, at a higher epoch; or to its
 * end, when its attempts or its budget are used up. Any
 * number of reapers may do it at any time.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | A1 read job and lease: over? (`decideReap`) | nothing happened |
 * | A2 the lease → `expired` **at the job's epoch** | no renew and no half-done claim can succeed any more; the next pass goes on at A3. A patch may still win until A3: its epoch is current, and its checkpoint is kept |
 * | A3 the job → back to the queue, epoch + 1, holder gone, event in the same write, under the etag of A1 | a second reaper finds it not owned at that epoch and stops |
 *
 * The lease first: changed first, the job could be acknowledged to a half-done claim after it was
 * reaped. At the job's epoch: left at an older one, a half-done claim would still succeed over it.
 *
 * Cosmos DB's TTL can't do any of this: it deletes late and silently, moves no stage, raises no epoch
 * and tells nobody.
 */
import type { Job, OwnedJob } from "../schema/job.js";
import type { Lease } from "../schema/lease.js";
import { isFinalStage } from "../schema/stages.js";
import { backOff, changeJob, operation } from "./change-job.js";
import { isOwned, toExpired } from "./advance.js";
import { isOverBudget } from "./budget.js";
import { attemptsMax, toOverBudgetExpired, toPutAside } from "./endings.js";
import { finish, requeued } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { revokeLease, settleLease } from "./lease-writes.js";
import { StoreUnavailable } from "./ports/store.js";
import type { Stored } from "./ports/store.js";

/** Tries against a holder that renews, or another reaper. One of each makes two. */
const REAP_TRIES_MAX = 8;

export type ReapDecision =
  | { kind: "not_owned" }
  /** The lease is newer than the job as read: this view is old. */
  | { kind: "old_view" }
  | { kind: "alive" }
  /** `revoked`: A2 was done before, by this reaper or another. */
  | { kind: "over"; revoked: boolean };

/** A1: whether an owned job's lease is over. Clocks of two instances may be `skewMs` apart. */
export function decideReap(job: Job, lease: Lease | undefined, nowMs: number, skewMs: number): ReapDecision {
  if (!isOwned(job)) return { kind: "not_owned" };
  const passed = (instant: string | undefined) =>
    instant === undefined || Date.parse(instant) + skewMs < nowMs;
  if (lease === undefined || lease.leaseEpoch < job.leaseEpoch) {
    return passed(job.graceUntil) ? { kind: "over", revoked: false } : { kind: "alive" };
  }
  if (lease.leaseEpoch > job.leaseEpoch) return { kind: "old_view" };
  if (lease.status !== "held") return { kind: "over", revoked: true };
  return passed(lease.expiresAt) ? { kind: "over", revoked: false } : { kind: "alive" };
}

/** Puts the job back into the queue, or aside, if its lease is over. Returns whether this call did. */
export function reap(fleet: Fleet, productId: string, jobId: string): Promise<boolean> {
  const skewMs = fleet.rules.clockSkewSecondsMax * 1000;
  return takeBack(fleet, productId, jobId, (job, lease) => decideReap(job, lease, fleet.clock.now(), skewMs));
}

/**
 * Takes a job from a boot of its factory that is over, without waiting for the lease. Like an expiry: the
 * former program may live on, and is fenced off; and a job that takes its factory down with it is counted.
 */
export function evict(fleet: Fleet, productId: string, jobId: string, bootId: string): Promise<boolean> {
  return takeBack(fleet, productId, jobId, (job, lease) => {
    if (!isOwned(job) || job.bootId !== bootId) return { kind: "alive" };
    if (lease === undefined || lease.leaseEpoch < job.leaseEpoch) return { kind: "over", revoked: false };
    if (lease.leaseEpoch > job.leaseEpoch) return { kind: "old_view" };
    return { kind: "over", revoked: lease.status !== "held" };
  });
}

async function takeBack(
  fleet: Fleet,
  productId: string,
  jobId: string,
  decide: (job: Job, lease: Lease | undefined) => ReapDecision,
): Promise<boolean> {
  for (let attempt = 0; attempt < REAP_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    const [job, lease] = await Promise.all([
      fleet.jobs.get(productId, jobId),
      fleet.leases.get(jobId, jobId),
    ]);
    if (job === undefined) return false;
    const decision = decide(job.doc, lease?.doc);
    if (decision.kind === "alive" || decision.kind === "old_view") return false;
    if (decision.kind === "not_owned" || !isOwned(job.doc)) {
      // A release or a final write died before its lease: the lease would be found overdue for ever.
      await settleLease(fleet, job.doc, false);
      return false;
    }
    if (decision.revoked || (await revokeLease(fleet, job.doc, lease))) return expire(fleet, job, job.doc);
  }
  throw new StoreUnavailable(`${REAP_TRIES_MAX} tries lost on the lease of job ${jobId}`);
}

/** A3, once the lease of `owned`'s epoch is revoked. */
async function expire(fleet: Fleet, read: Stored<Job>, owned: OwnedJob): Promise<boolean> {
  const changed = await changeJob<boolean>(fleet, {
    productId: owned.productId,
    jobId: owned.id,
    operation: operation(fleet, { route: "reap" }, {}),
    known: read,
    storeEvents: "always",
    judge: (job) => {
      // A patch may have come between: it kept the epoch, and its checkpoint goes back with the job.
      const stillThere = isOwned(job) && job.leaseEpoch === owned.leaseEpoch;
      if (!stillThere) return { kind: "settled", answer: false };
      return { kind: "write", next: toTakenBack(job, fleet.clock.now()), answer: true };
    },
    repeated: () => true,
  });
  if (changed.kind === "not_found" || changed.kind === "idempotency_conflict") return false;
  if (changed.answer && isFinalStage(changed.job.doc.stage)) await finish(fleet, changed.job);
  else if (changed.answer) await requeued(fleet, changed.job);
  return changed.answer;
}

/** At once, whatever the retry policy names; but not for ever, and not beyond the budget. */
function toTakenBack(owned: OwnedJob, nowMs: number): Job {
  if (isOverBudget(owned, nowMs)) return toOverBudgetExpired(owned, nowMs);
  return owned.attempt >= attemptsMax(owned) ? toPutAside(owned, nowMs) : toExpired(owned, nowMs);
}
