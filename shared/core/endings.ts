/**
 * How a job leaves its owner, and how it comes back from an end. Each function returns the job after the
 * move with the event that tells of it; the run that ends is kept whole in that event, and its cost in the
 * job's bill. Release and expiry are in advance.ts.
 */
import type { Job, OwnedJob } from "../schema/job.js";
import { BACKOFF_SECONDS_DEFAULT, EXPIRIES_MAX, RETRY_DELAY_SECONDS_MAX } from "../schema/limits.js";
import { omit } from "../schema/omit.js";
import { toInstant } from "../schema/primitives.js";
import { advance, endedRun, entryStage, isOwned } from "./advance.js";
import type { Happening } from "./advance.js";
import { withRunBilled } from "./budget.js";
import type { Random } from "./ports/runtime.js";

/** Attempts that a job may have: without a policy, only a factory that dies makes a second one. */
export function attemptsMax(job: Pick<Job, "retry">): number {
  return job.retry === undefined ? EXPIRIES_MAX : 1 + job.retry.max;
}

/** A final job of its last owner, who keeps its name on it: shipped, failed, over budget, put aside. */
function toEnd(
  owned: OwnedJob,
  stage: "shipped" | "failed" | "dead_letter",
  happening: Happening,
  nowMs: number,
) {
  const ended: Job = { ...omit(owned, "graceUntil"), ...withRunBilled(owned, nowMs), stage, dirty: true };
  const data = { ...happening.data, run: endedRun(owned, nowMs) };
  return advance(owned.stage, ended, { ...happening, data }, nowMs);
}

/** What a worker reported with its last word. */
type Report = Readonly<Partial<Job>>;

/** The work is done. What an earlier attempt failed of is history. */
export function toShipped(owned: OwnedJob, report: Report, nowMs: number): Job {
  const actor = owned.holderFactoryId;
  return toEnd(omit(owned, "failure"), "shipped", { type: "shipped", actor, data: report }, nowMs);
}

/**
 * The worker says that it failed: again after a while, put aside when its attempts are used up, or over
 * where no policy names this kind of failure.
 */
export function toFailed(owned: OwnedJob, report: Report, random: Random, nowMs: number): Job {
  const { retry } = owned;
  const actor = owned.holderFactoryId;
  const kind = owned.failure?.kind ?? "error";
  if (retry === undefined || (retry.on.length > 0 && !retry.on.includes(kind)))
    return toEnd(owned, "failed", { type: "failed", actor, data: report }, nowMs);
  if (owned.attempt >= attemptsMax(owned))
    return toEnd(owned, "dead_letter", { type: "dead_lettered", actor, data: report }, nowMs);

  const notBefore = toInstant(nowMs + retryDelayMs(owned, random));
  const next: Job = {
    ...omit(owned, "holderFactoryId", "graceUntil", "run"),
    ...withRunBilled(owned, nowMs),
    stage: entryStage(owned.deps),
    notBefore,
  };
  const data = { ...report, notBefore, run: endedRun(owned, nowMs) };
  return advance(owned.stage, next, { type: "retry_scheduled", actor, data }, nowMs);
}

/** Exponential in the attempts, at most an hour, with full jitter so that what failed together is not tried together. */
function retryDelayMs({ retry, attempt }: OwnedJob, random: Random): number {
  const backoff = retry?.backoff ?? BACKOFF_SECONDS_DEFAULT;
  const longest = Math.min(RETRY_DELAY_SECONDS_MAX, backoff * 2 ** (attempt - 1));
  return random.next() * longest * 1000;
}

/** The job has cost more than it may: it ends with its checkpoint, for a redrive with a larger budget. */
export function toOverBudget(owned: OwnedJob, report: Report, nowMs: number): Job {
  const failure = { kind: "over_budget" };
  const actor = owned.holderFactoryId;
  const happening: Happening = { type: "over_budget", actor, data: { ...report, failure } };
  return toEnd({ ...owned, failure }, "failed", happening, nowMs);
}

/** A3 of a job whose factories died too often: like an expiry, but it goes to nobody any more. */
export function toPutAside(owned: OwnedJob, nowMs: number): Job {
  return fencedOff(owned, "dead_letter", "dead_lettered", { kind: "lease_expired" }, nowMs);
}

/** A3 of a job that cost more than it may while nobody reported. */
export function toOverBudgetExpired(owned: OwnedJob, nowMs: number): Job {
  return fencedOff(owned, "failed", "over_budget", { kind: "over_budget" }, nowMs);
}

/** Cancelled by a producer or an operator, whoever owns it. */
export function toCancelled(open: Job, reason: string | undefined, nowMs: number): Job {
  const failure = { kind: "cancelled", ...(reason === undefined ? {} : { message: reason }) };
  if (isOwned(open)) return fencedOff(open, "failed", "cancelled", failure, nowMs);
  const ended: Job = { ...omit(open, "notBefore", "blockedBy"), stage: "failed", failure, dirty: true };
  return advance(open.stage, ended, { type: "cancelled", data: { failure } }, nowMs);
}

/** The owner is gone, and the epoch goes up: nothing that it still sends can count. */
function fencedOff(
  owned: OwnedJob,
  stage: "failed" | "dead_letter",
  type: "dead_lettered" | "over_budget" | "cancelled",
  failure: NonNullable<Job["failure"]>,
  nowMs: number,
): Job {
  const ended: Job = {
    ...omit(owned, "holderFactoryId", "graceUntil", "run"),
    ...withRunBilled(owned, nowMs),
    stage,
    failure,
    leaseEpoch: owned.leaseEpoch + 1,
    dirty: true,
  };
  const data = { failure, formerHolderFactoryId: owned.holderFactoryId, run: endedRun(owned, nowMs) };
  return advance(owned.stage, ended, { type, data }, nowMs);
}

/** A dependency ended without success, and the job is not to outlive it. */
export function toFailedWithDep(blocked: Job, dep: { jobId: string; stage: string }, nowMs: number): Job {
  const failure = { kind: "dependency_failed", message: `${dep.jobId} is ${dep.stage}` };
  const ended: Job = { ...omit(blocked, "blockedBy"), stage: "failed", failure, dirty: true };
  return advance("blocked", ended, { type: "failed", data: { failure } }, nowMs);
}

/** A failed job begins anew, from its checkpoint, with all its attempts. Its epoch stays until somebody claims it. */
export function toRedriven(ended: Job, budget: Job["budget"], nowMs: number): Job {
  const { stage } = ended;
  const rest = omit(
    ended,
    "failure",
    "notBefore",
    "holderFactoryId",
    "run",
    "exit",
    "result",
    "verifyResult",
    "dirty",
  );
  const next: Job = {
    ...rest,
    ...(budget === undefined ? {} : { budget }),
    stage: entryStage(ended.deps),
    attempt: 0,
  };
  const data = budget === undefined ? {} : { budget };
  return advance(stage, next, { type: "redriven", data }, nowMs);
}
