/** What a caller may send. Unknown properties are refused, so nothing is ever silently ignored. */
import { z } from "zod";
import type {} from "zod-openapi";
import { artifactName, contentType, sha256Hex, sizeBytes } from "./artifact.js";
import { descriptor, health, load, seatLimit } from "./factory.js";
import { insights } from "./insights.js";
import {
  bodyMd,
  budget,
  checkpoint,
  depsMode,
  exit,
  failure,
  kind,
  manifestSnapshot,
  onDependencyFailure,
  priority,
  result,
  retry,
  trackerItemId,
} from "./job.js";
import { leaseSeconds } from "./lease.js";
import {
  BATCH_JOBS_MAX,
  DEPS_MAX,
  ID_CHARS_MAX,
  PAGE_DEFAULT,
  PAGE_MAX,
  PROFILE_VERSION_MAX,
} from "./limits.js";
import { capabilities, capability, id, instant } from "./primitives.js";
import { profileName, profileRef, profileSnapshot } from "./profile.js";
import { stage } from "./stages.js";

/** A job as another one names it: its id, or `key:` and the idempotency key of a job of the same product. */
const jobName = z.string().refine((name) => id.safeParse(name.replace(/^key:/, "")).success, {
  error: `must be a job's id, or key: and an idempotency key of 1 to ${ID_CHARS_MAX} characters`,
});

export const submission = z.strictObject({
  idempotencyKey: id,
  bodyMd,
  manifestSnapshot: manifestSnapshot.optional(),
  trackerItemId: trackerItemId.optional(),
  /** A label: no job needs to have this id, or the key, yet. */
  parentId: jobName.optional(),
  kind: kind.default("leaf"),
  priority: priority.default("medium"),
  capabilities: capabilities.default([]),
  engineClass: capability.optional(),
  profile: profileRef.optional(),
  deps: z.array(jobName).max(DEPS_MAX).default([]),
  depsMode: depsMode.default("hard"),
  onDependencyFailure: onDependencyFailure.default("block"),
  budget: budget.optional(),
  retry: retry.optional(),
});
export type Submission = z.infer<typeof submission>;

/** Jobs that may depend on one another by key, in any order. */
export const batchRequest = z.strictObject({ jobs: z.array(submission).min(1).max(BATCH_JOBS_MAX) });

export const profileRequest = z.strictObject({ snapshot: profileSnapshot });

export const claimRequest = z.strictObject({
  factoryId: id,
  /** Repeated with the same id after a lost answer, a claim gives the same lease again. */
  claimId: id.optional(),
  leaseSeconds: leaseSeconds.optional(),
});
export type ClaimRequest = z.infer<typeof claimRequest>;

const reason = z.string().max(1024);

/** Who a fenced call says it is: the factory, and the epoch its claim was given. */
const fenced = { factoryId: id, leaseEpoch: z.int().min(1) };

export const renewRequest = z.strictObject({
  ...fenced,
  leaseSeconds: leaseSeconds.optional(),
  insights: insights.optional(),
});
export type RenewRequest = z.infer<typeof renewRequest>;

export const releaseRequest = z.strictObject({
  ...fenced,
  checkpoint: checkpoint.optional(),
  reason: reason.optional(),
  insights: insights.optional(),
});
export type ReleaseRequest = z.infer<typeof releaseRequest>;

export const patchRequest = z
  .strictObject({
    ...fenced,
    stage: stage.optional(),
    checkpoint: checkpoint.optional(),
    result: result.optional(),
    verifyResult: result.optional(),
    exit: exit.optional(),
    failure: failure.optional(),
    insights: insights.optional(),
  })
  .refine((patch) => patch.failure === undefined || patch.stage === "failed", {
    path: ["failure"],
    error: "goes with stage failed only",
  });
export type PatchRequest = z.infer<typeof patchRequest>;

export const artifactRequest = z.strictObject({
  ...fenced,
  name: artifactName,
  contentType,
  sizeBytes: sizeBytes.optional(),
  sha256: sha256Hex.optional(),
});
export type ArtifactRequest = z.infer<typeof artifactRequest>;

export const heartbeatRequest = z.strictObject({
  factoryId: id,
  capabilities,
  engines: capabilities.default([]),
  seatLimit,
  load,
  health,
  /** New with each start of the factory's program: what the former start held is taken back at once. */
  bootId: id.optional(),
  descriptor: descriptor.optional(),
});
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;

export const cancelRequest = z.strictObject({ reason: reason.optional() });
export type CancelRequest = z.infer<typeof cancelRequest>;

/** `budget` replaces the limits that it names; the others stay. */
export const redriveRequest = z.strictObject({ budget: budget.optional() });
export type RedriveRequest = z.infer<typeof redriveRequest>;

export const bulkRequest = z
  .strictObject({
    action: z.enum(["cancel", "redrive"]),
    /** Jobs that pass all of it. `{}` is every job that the action can change. */
    filter: z.strictObject({
      stage: stage.optional(),
      parentId: jobName.optional(),
      /** Jobs submitted before this instant. */
      olderThan: instant.optional(),
    }),
    /** Only counts. */
    dryRun: z.boolean().default(false),
    reason: reason.optional(),
    /** From the answer of the call before: where to go on. */
    continuation: z.string().min(1).max(1024).optional(),
  })
  .refine(({ action, reason }) => action === "cancel" || reason === undefined, {
    path: ["reason"],
    error: "goes with action cancel only",
  });
export type BulkRequest = z.infer<typeof bulkRequest>;

/** A whole number as a query parameter spells it. */
function count(min: number, max: number) {
  const digits = z.string().regex(/^\d{1,9}$/, { error: `must be a whole number from ${min} to ${max}` });
  // A caller sees the number that the digits stand for.
  const described = { type: "integer", minimum: min, maximum: max } as const;
  return digits
    .meta({ override: ({ jsonSchema }) => void Object.assign(jsonSchema, { pattern: undefined }, described) })
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

const paging = {
  limit: count(1, PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().min(1).max(1024).optional(),
};

export const jobListQuery = z.strictObject({
  stage: stage.optional(),
  idempotencyKey: id.optional(),
  parentId: jobName.optional(),
  ...paging,
});
export type JobListQuery = z.infer<typeof jobListQuery>;

export const eventListQuery = z.strictObject({
  /** Events behind this sequence number. */
  after: count(0, 999_999_999).default(0),
  limit: paging.limit,
});

/** Any list that takes no filter. */
export const pageQuery = z.strictObject(paging);

export const profileQuery = z.strictObject({ version: count(1, PROFILE_VERSION_MAX).optional() });
export const profileListQuery = z.strictObject({ name: profileName.optional(), ...paging });
export const nameParams = z.strictObject({ name: profileName });

export const noQuery = z.strictObject({});
export const idParams = z.strictObject({ id });
