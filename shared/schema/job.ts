import { z } from "zod";
import { event } from "./event.js";
import { insights } from "./insights.js";
import {
  BACKOFF_SECONDS_DEFAULT,
  BACKOFF_SECONDS_MAX,
  CHECKPOINT_CHARS_MAX,
  BLOCKED_BY_MAX,
  BODY_MD_BYTES_MAX,
  DEPS_MAX,
  FAILURE_MESSAGE_CHARS_MAX,
  MANIFEST_BYTES_MAX,
  OUTBOX_MAX,
  PAST_HASHES_MAX,
  RECENT_OPS_MAX,
  RESULT_BYTES_MAX,
  RETRIES_MAX,
  RETRY_KINDS_MAX,
  TOTAL_MAX,
} from "./limits.js";
import { profileRef } from "./profile.js";
import { capabilities, capability, documentBase, id, instant, jsonUpTo, textUpTo } from "./primitives.js";
import { stage } from "./stages.js";
import type { OwnedStage } from "./stages.js";

export const PRIORITIES = ["critical", "high", "medium", "low"] as const;
export const priority = z.enum(PRIORITIES);
export const kind = z.enum(["leaf", "composite"]);
export const depsMode = z.enum(["hard", "soft"]);
export const trackerItemId = z.string().min(1).max(256);
export const manifestSnapshot = jsonUpTo(MANIFEST_BYTES_MAX);
export const bodyMd = textUpTo(BODY_MD_BYTES_MAX);
export const result = jsonUpTo(RESULT_BYTES_MAX);
export const exit = z.int();

const gitName = z.string().min(1).max(CHECKPOINT_CHARS_MAX);

/** Where the work stands in git. Replaced whole, so that branch, base and commit always belong together. */
export const checkpoint = z.strictObject({
  wipBranch: gitName.optional(),
  wipBase: gitName.optional(),
  wipCommit: gitName.optional(),
});

const failureKind = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, { error: "must be a lower-case word, such as error or verify" });

/** Why a job failed. `kind` is one of the contract's words or one of the worker's own. */
export const failure = z.strictObject({
  kind: failureKind,
  message: z.string().max(FAILURE_MESSAGE_CHARS_MAX).optional(),
});

/** What a job may cost over all its runs: US dollars, tokens in and out, seconds that factories held it. */
export const budget = z
  .strictObject({
    usd: z.number().positive().max(TOTAL_MAX).optional(),
    tokens: z.number().positive().max(TOTAL_MAX).optional(),
    wall: z.number().positive().max(TOTAL_MAX).optional(),
  })
  .refine((limits) => Object.values(limits).some((limit) => limit !== undefined), {
    error: "must set usd, tokens or wall",
  });
export type Budget = z.infer<typeof budget>;

/** What becomes of a job whose worker says that it failed. `backoff` is the first wait, in seconds. */
export const retry = z.strictObject({
  max: z.int().min(0).max(RETRIES_MAX),
  backoff: z.number().min(0).max(BACKOFF_SECONDS_MAX).default(BACKOFF_SECONDS_DEFAULT),
  /** The kinds of failure that are tried again; none named: all. */
  on: z.array(failureKind).max(RETRY_KINDS_MAX).default([]),
});

/** What to do with a job whose dependency ended without success: leave it blocked, or end it, too. */
export const onDependencyFailure = z.enum(["block", "fail"]);

const total = z.number().min(0);

/** What the ended runs of a job have cost, each once, as their holders had reported when they ended. */
const spent = z.object({ usd: total, tokens: total, wall: total });

/** An operation that changed this job, so that its repetition is recognised. Both parts are hashes. */
const recentOp = z.object({
  op: z.string(),
  body: z.string(),
  /** Known only to its own call. */
  once: z.literal(true).optional(),
  /** A submission's: kept when a claim clears the others. */
  survivesClaim: z.literal(true).optional(),
});

/**
 * The job document: the only authority on a job's owner, epoch, stage, checkpoint, result and events.
 * Never deleted: its id comes from its key, and a second life would begin at epoch 0.
 */
export const job = z.object({
  ...documentBase,
  idempotencyKey: id,
  /** Hash of the content as last accepted; a submission with the same one changes nothing. */
  contentHash: z.string(),
  /** Contents that were superseded: a late duplicate of one of them must not come back. */
  pastHashes: z.array(z.string()).max(PAST_HASHES_MAX),

  kind,
  parentId: id.optional(),
  trackerItemId: trackerItemId.optional(),
  priority,
  /** 0 for critical to 3 for low: the names don't sort. */
  priorityRank: z.int().min(0).max(3),
  capabilities,
  engineClass: capability.optional(),
  /** Where it stands in the queue: made of capabilities and engine class (core/lanes.ts). Absent: as older versions queued it. */
  lane: z.string().optional(),
  /** The profile that its runs work with: `name`, or `name:version`. */
  profile: profileRef.optional(),
  deps: z.array(id).max(DEPS_MAX),
  depsMode,
  /** Absent: `block`. */
  onDependencyFailure: onDependencyFailure.optional(),
  budget: budget.optional(),
  retry: retry.optional(),
  manifestSnapshot: manifestSnapshot.optional(),
  bodyMd,

  stage,
  /** Larger than the order of every dependency, never changed: so no cycle can be stored. Microseconds. */
  order: z.int().min(0),
  /** The fencing token: raised whenever the owner changes, never lowered. */
  leaseEpoch: z.int().min(0),
  /** Who owns the job, or owned it last when it became final. */
  holderFactoryId: id.optional(),
  /** The claim that made the present or last owner: factory and claim id, so that a repeated claim finds its job. */
  claimId: z.string().optional(),
  /** Until when a claim may still be about to take its lease. */
  graceUntil: instant.optional(),
  /** Claims that count: each one adds 1, a release takes it back. */
  attempt: z.int().min(0),
  notBefore: instant.optional(),
  checkpoint: checkpoint.optional(),
  failure: failure.optional(),
  /** The dependencies that were missing when the job was last judged. */
  blockedBy: z
    .array(z.object({ jobId: id, stage }))
    .max(BLOCKED_BY_MAX)
    .optional(),
  result: result.optional(),
  exit: exit.optional(),
  verifyResult: result.optional(),
  /** The present or last owner's run, as far as a run document needs more than the job itself. */
  run: z
    .object({
      startedAt: instant,
      engine: capability.optional(),
      /** The version that its claim resolved the job's profile to: `name:version`. */
      profile: profileRef.optional(),
      /** The instance of the coordinator that gave the job away: who lost the race to it learns of a rival. */
      via: z.string().optional(),
      insights,
    })
    .optional(),
  /** Which boot of its factory claimed it, where that says. */
  bootId: id.optional(),
  /** Absent: nothing. The present owner's run is not in it. */
  spent: spent.optional(),

  eventSeq: z.int().min(0),
  /** Events that may not be stored yet: the last ones, up to eventSeq. */
  outbox: z.array(event).max(OUTBOX_MAX),
  recentOps: z.array(recentOp).max(RECENT_OPS_MAX),
  /** True while a final job's events, lease, run or dependants may not be done. */
  dirty: z.literal(true).optional(),
  /** True once retention has taken its content and history away; core/tombstone.ts. */
  tombstone: z.literal(true).optional(),

  createdAt: instant,
  updatedAt: instant,
  stageChangedAt: instant,
});

export type Job = z.infer<typeof job>;
export type BlockedBy = NonNullable<Job["blockedBy"]>;

/** A job that a factory may claim. */
export type QueuedJob = Job & { stage: "queued" };
/** A job that a factory holds. */
export type OwnedJob = Job & { stage: OwnedStage; holderFactoryId: string };

/** Where `priority` stands in the queue: 0 comes first. */
export function rankOf(priority: Job["priority"]): number {
  return PRIORITIES.indexOf(priority);
}
