/**
 * How a job moves. Each function takes a job that may make the move, and returns the job after it with
 * the event that tells of it, in one document: so a move without its event can't be written.
 */
import type { EventType, JobEvent } from "../schema/event.js";
import type { Job, OwnedJob, QueuedJob } from "../schema/job.js";
import { CLAIM_GRACE_SECONDS, SCHEMA_VERSION } from "../schema/limits.js";
import { omit } from "../schema/omit.js";
import { toInstant } from "../schema/primitives.js";
import { isOwnedStage } from "../schema/stages.js";
import type { Stage } from "../schema/stages.js";
import type { Run } from "../schema/run.js";
import { withRunBilled } from "./budget.js";

export function isQueued(job: Job): job is QueuedJob {
  return job.stage === "queued";
}

export function isOwned(job: Job): job is OwnedJob {
  return isOwnedStage(job.stage) && job.holderFactoryId !== undefined;
}

export interface Happening {
  readonly type: EventType;
  readonly actor?: string | undefined;
  /** What invariant 11 needs beyond stage, epoch, attempt and holder, which are always told. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** `after` with the event that leads to it from stage `from`. Times are set here alone. */
export function advance(from: Stage | undefined, after: Job, happening: Happening, nowMs: number): Job {
  const at = toInstant(nowMs);
  const event: JobEvent = {
    seq: after.eventSeq + 1,
    type: happening.type,
    at,
    ...(happening.actor === undefined ? {} : { actor: happening.actor }),
    data: {
      ...(from === undefined ? {} : { from }),
      to: after.stage,
      leaseEpoch: after.leaseEpoch,
      attempt: after.attempt,
      ...(after.holderFactoryId === undefined ? {} : { holderFactoryId: after.holderFactoryId }),
      ...happening.data,
    },
  };
  return {
    ...after,
    eventSeq: event.seq,
    outbox: [...after.outbox, event],
    updatedAt: at,
    stageChangedAt: from === after.stage ? after.stageChangedAt : at,
  };
}

/**
 * The stage in which a job enters the queue. With deps it is always `blocked`, and unblocked by a
 * second write: a dependency that ships between our reading it and our writing `blocked` would
 * otherwise find nobody to wake, and the job would wait for ever.
 */
export function entryStage(deps: readonly string[]): "queued" | "blocked" {
  return deps.length === 0 ? "queued" : "blocked";
}

export interface Claimer {
  readonly factoryId: string;
  readonly engine: string | undefined;
  /** The version of the job's profile that the run works with. */
  readonly profile?: string | undefined;
  readonly claimId: string | undefined;
  readonly bootId?: string | undefined;
  /** The instance that gives the job away. */
  readonly via?: string;
}

/** C1: the write that decides who wins. The epoch goes up here and nowhere but where an owner is removed. */
export function toAssigned(queued: QueuedJob, claimer: Claimer, nowMs: number): OwnedJob {
  // What the last owner reported is its run's; what kept the job from being claimed is over.
  const rest = omit(queued, "notBefore", "blockedBy", "claimId", "bootId", "exit", "result", "verifyResult");
  const assigned: Job = {
    ...rest,
    stage: "assigned",
    leaseEpoch: queued.leaseEpoch + 1,
    attempt: queued.attempt + 1,
    holderFactoryId: claimer.factoryId,
    graceUntil: toInstant(nowMs + CLAIM_GRACE_SECONDS * 1000),
    run: {
      startedAt: toInstant(nowMs),
      ...(claimer.engine === undefined ? {} : { engine: claimer.engine }),
      ...(claimer.profile === undefined ? {} : { profile: claimer.profile }),
      ...(claimer.via === undefined ? {} : { via: claimer.via }),
      insights: {},
    },
    ...(claimer.claimId === undefined ? {} : { claimId: claimer.claimId }),
    ...(claimer.bootId === undefined ? {} : { bootId: claimer.bootId }),
    // A new owner starts with a clean memory: an operation of the former one is fenced, not repeated. But
    // a submission may still wait to hear that it was its own write that made this job what it is.
    recentOps: queued.recentOps.filter(({ survivesClaim }) => survivesClaim),
  };
  const data = {
    ...(claimer.engine === undefined ? {} : { engine: claimer.engine }),
    ...(claimer.profile === undefined ? {} : { profile: claimer.profile }),
  };
  const happening: Happening = { type: "claimed", actor: claimer.factoryId, data };
  return advance("queued", assigned, happening, nowMs) as OwnedJob;
}

/** The owner gives the job back: its attempt is not counted, its epoch stays until somebody claims. */
export function toReleased(owned: OwnedJob, reason: string | undefined, nowMs: number): Job {
  const { holderFactoryId } = owned;
  const rest = omit(owned, "holderFactoryId", "graceUntil", "run");
  const released: Job = {
    ...rest,
    ...withRunBilled(owned, nowMs),
    stage: entryStage(owned.deps),
    attempt: owned.attempt - 1,
  };
  const data = {
    ...(owned.checkpoint === undefined ? {} : { checkpoint: owned.checkpoint }),
    ...(reason === undefined ? {} : { reason }),
    run: endedRun(owned, nowMs),
  };
  return advance(owned.stage, released, { type: "released", actor: holderFactoryId, data }, nowMs);
}

/** A3: the owner let its lease run out. The epoch goes up, so that nothing it still sends can count. */
export function toExpired(owned: OwnedJob, nowMs: number): Job {
  const { holderFactoryId } = owned;
  const rest = omit(owned, "holderFactoryId", "graceUntil", "run");
  const expired: Job = {
    ...rest,
    ...withRunBilled(owned, nowMs),
    stage: entryStage(owned.deps),
    leaseEpoch: owned.leaseEpoch + 1,
  };
  const data = {
    ...(owned.checkpoint === undefined ? {} : { checkpoint: owned.checkpoint }),
    formerHolderFactoryId: holderFactoryId,
    run: endedRun(owned, nowMs),
  };
  return advance(owned.stage, expired, { type: "expired", data }, nowMs);
}

/** The run of the present owner, as its document tells it, but for what its profile holds. Final jobs keep their last owner's. */
export function runOf(job: Job): Run | undefined {
  if (job.run === undefined || job.holderFactoryId === undefined) return undefined;
  return {
    id: `${job.id}:${job.leaseEpoch}`,
    productId: job.productId,
    schemaVersion: SCHEMA_VERSION,
    jobId: job.id,
    attempt: job.attempt,
    leaseEpoch: job.leaseEpoch,
    factoryId: job.holderFactoryId,
    ...(job.run.engine === undefined ? {} : { engine: job.run.engine }),
    ...(job.run.profile === undefined ? {} : { profile: job.run.profile }),
    startedAt: job.run.startedAt,
    ...(job.exit === undefined ? {} : { exit: job.exit }),
    ...(job.result === undefined ? {} : { result: job.result }),
    ...(job.verifyResult === undefined ? {} : { verifyResult: job.verifyResult }),
    insights: job.run.insights,
  };
}

/** What a closing event tells of a run: all but what the job says anyway. */
export type EndedRun = Omit<Run, "id" | "productId" | "schemaVersion" | "jobId"> & { endedAt: string };

/** The owner's run, ended: kept whole in the closing event, so that its document can be made from it at any time. */
export function endedRun(owned: OwnedJob, nowMs: number): EndedRun {
  const run = runOf(owned);
  if (run === undefined) throw new Error(`job ${owned.id} is owned, yet has no run`);
  return { ...omit(run, "id", "productId", "schemaVersion", "jobId"), endedAt: toInstant(nowMs) };
}
