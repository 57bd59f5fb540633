/** What a caller may send. Unknown properties are refused, so nothing is ever silently ignored. */
import { z } from "zod";
import type {} from "zod-openapi";
import { artifactName, contentType, sha256Hex, sizeBytes } from "./artifact.js";
import { descriptor, health, load, seatLimit } from "./factory.js";
import { insights } from "./insights.js";
import {
  bodyMd,
  checkpoint,
  depsMode,
  exit,
  failure,
  kind,
  manifestSnapshot,
  priority,
  result,
  trackerItemId,
} from "./job.js";
import { leaseSeconds } from "./lease.js";
import { DEPS_MAX, ID_CHARS_MAX, PAGE_DEFAULT, PAGE_MAX } from "./limits.js";
import { capabilities, capability, id } from "./primitives.js";
import { stage } from "./stages.js";

/** A dependency: a job's id, or `key:` and the idempotency key of a job of the same product. */
const dependency = z.string().refine((dep) => id.safeParse(dep.replace(/^key:/, "")).success, {
  error: `must be a job's id, or key: and an idempotency key of 1 to ${ID_CHARS_MAX} characters`,
});

export const submission = z.strictObject({
  idempotencyKey: id,
  bodyMd,
  manifestSnapshot: manifestSnapshot.optional(),
  trackerItemId: trackerItemId.optional(),
  parentId: id.optional(),
  kind: kind.default("leaf"),
  priority: priority.default("medium"),
  capabilities: capabilities.default([]),
  engineClass: capability.optional(),
  deps: z.array(dependency).max(DEPS_MAX).default([]),
  depsMode: depsMode.default("hard"),
});
export type Submission = z.infer<typeof submission>;

export const claimRequest = z.strictObject({
  factoryId: id,
  /** Repeated with the same id after a lost answer, a claim gives the same lease again. */
  claimId: id.optional(),
  leaseSeconds: leaseSeconds.optional(),
});
export type ClaimRequest = z.infer<typeof claimRequest>;

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
  reason: z.string().max(1024).optional(),
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
  descriptor: descriptor.optional(),
});
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;

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
  parentId: id.optional(),
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

export const noQuery = z.strictObject({});
export const idParams = z.strictObject({ id });
