/** What callers see: documents without what only the coordinator needs, and the shapes around them. */
import { z } from "zod";
import { event } from "./event.js";
import { factory } from "./factory.js";
import { job } from "./job.js";
import type { Job } from "./job.js";
import { lease } from "./lease.js";
import type { HeldLease, Lease } from "./lease.js";
import { RENEW_AFTER_FRACTION } from "./limits.js";
import { omit } from "./omit.js";
import { profile } from "./profile.js";
import type { Profile } from "./profile.js";
import { run } from "./run.js";
import type { Run } from "./run.js";
import type { Factory } from "./factory.js";
import { STAGES } from "./stages.js";
import { sums, totals } from "./totals.js";

export const wireJob = job.pick({
  id: true,
  productId: true,
  idempotencyKey: true,
  contentHash: true,
  kind: true,
  parentId: true,
  trackerItemId: true,
  priority: true,
  capabilities: true,
  engineClass: true,
  profile: true,
  deps: true,
  depsMode: true,
  onDependencyFailure: true,
  budget: true,
  spent: true,
  retry: true,
  manifestSnapshot: true,
  bodyMd: true,
  stage: true,
  attempt: true,
  leaseEpoch: true,
  holderFactoryId: true,
  checkpoint: true,
  notBefore: true,
  blockedBy: true,
  failure: true,
  result: true,
  exit: true,
  verifyResult: true,
  tombstone: true,
  createdAt: true,
  updatedAt: true,
  stageChangedAt: true,
});
export type WireJob = z.infer<typeof wireJob>;

export const wireLease = lease
  .pick({
    jobId: true,
    leaseEpoch: true,
    status: true,
    renewals: true,
    holderFactoryId: true,
    expiresAt: true,
  })
  .extend({
    /** Counted by the coordinator: a worker counts it down on its own monotonic clock. */
    remainingSeconds: z.number().min(0),
    renewAfterSeconds: z.number().min(0),
  });
export type WireLease = z.infer<typeof wireLease>;

export const wireRun = run.omit({ id: true, schemaVersion: true, uncounted: true, counted: true });
export type WireRun = z.infer<typeof wireRun>;

export const wireProfile = profile.omit({ id: true, schemaVersion: true });
export type WireProfile = z.infer<typeof wireProfile>;

/** A profile's version in a list: what it holds is up to 64 KiB, and has a route of its own. */
export const wireProfileVersion = wireProfile.omit({ snapshot: true });

export const wireEvent = event;

export const wireFactory = factory
  .omit({ id: true, schemaVersion: true, formerBootIds: true })
  .extend({ stale: z.boolean() });
export type WireFactory = z.infer<typeof wireFactory>;

export const directive = z.discriminatedUnion("action", [
  z.strictObject({ action: z.literal("continue") }),
  z.strictObject({ action: z.literal("stop"), reason: z.enum(["cancelled", "over_budget", "lease_lost"]) }),
]);
export type Directive = z.infer<typeof directive>;

export const EMPTY_CLAIM_REASONS = [
  "no_job",
  "no_matching_capabilities",
  "seat_limit",
  "contended",
  "claim_ended",
] as const;
export type EmptyClaimReason = (typeof EMPTY_CLAIM_REASONS)[number];

const seconds = z.number().min(0);
const jobCount = z.int().min(0);

const jobsByStage = z.object(Object.fromEntries(STAGES.map((stage) => [stage, jobCount])));

/** Where the children of a composite are. Each stage is counted by itself, so one that moves may count twice, or not. */
export const childrenSummary = z.object({ total: jobCount, stages: jobsByStage });
export type ChildrenSummary = z.infer<typeof childrenSummary>;

/** A product at a glance. */
export const stats = z.object({
  jobs: jobsByStage,
  oldestQueuedSeconds: seconds,
  owned: jobCount,
  factories: z.object({ fresh: jobCount, stale: jobCount }),
  /** What queued jobs ask for, the most asked for first. */
  waiting: z.array(z.object({ capabilities: job.shape.capabilities, count: jobCount })),
  /** What queued jobs ask for that no fresh factory has: they wait until one comes. The most asked for first. */
  unserved: z.array(
    z.object({
      capabilities: job.shape.capabilities,
      engineClass: job.shape.engineClass,
      count: jobCount,
    }),
  ),
  /** What ended runs used, by engine; the entry without one is of factories that named none. */
  engines: z.array(sums.extend({ engine: totals.shape.engine, superseded: sums })),
});
export type Stats = z.infer<typeof stats>;

const WIRE_FIELDS = Object.keys(wireJob.shape) as (keyof WireJob)[];

export function toWireJob(stored: Job): WireJob {
  const shown: Partial<Job> = { ...stored, onDependencyFailure: stored.onDependencyFailure ?? "block" };
  return Object.fromEntries(
    WIRE_FIELDS.filter((field) => shown[field] !== undefined).map((field) => [field, shown[field]]),
  ) as WireJob;
}

/** `nowMs` is the coordinator's clock: what remains is a duration, so that clocks need not agree. */
export function toWireLease(stored: Lease | HeldLease, nowMs: number): WireLease {
  const remainingMs =
    stored.status === "held" && stored.expiresAt !== undefined ? Date.parse(stored.expiresAt) - nowMs : 0;
  return {
    jobId: stored.jobId,
    leaseEpoch: stored.leaseEpoch,
    status: stored.status,
    renewals: stored.renewals,
    ...(stored.holderFactoryId === undefined ? {} : { holderFactoryId: stored.holderFactoryId }),
    ...(stored.expiresAt === undefined ? {} : { expiresAt: stored.expiresAt }),
    remainingSeconds: Math.max(0, Math.floor(remainingMs) / 1000),
    renewAfterSeconds: roundToMs((stored.leaseSeconds ?? 0) * RENEW_AFTER_FRACTION),
  };
}

export function toWireRun(stored: Run): WireRun {
  return omit(stored, "id", "schemaVersion", "uncounted", "counted");
}

export function toWireProfile(stored: Profile): WireProfile {
  return omit(stored, "id", "schemaVersion");
}

/** `stale` is a matter of the coordinator's clock, so it is not in the document. */
export function toWireFactory(stored: Factory, stale: boolean): WireFactory {
  return { ...omit(stored, "id", "schemaVersion", "formerBootIds"), stale };
}

function roundToMs(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
