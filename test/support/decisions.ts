import { OPERATIONS } from "../../shared/schema/decision.js";
import type { Decision, RUN_ENDING } from "../../shared/schema/decision.js";
import { EVENT_TYPES } from "../../shared/schema/event.js";
import type { EventType } from "../../shared/schema/event.js";
import { EMPTY_CLAIM_REASONS } from "../../shared/schema/wire.js";

const worker = { productId: "acme", jobId: "j1", factoryId: "f1", leaseEpoch: 1 };
const now = { ...worker, attempt: 1, from: "assigned" } as const;
const run = { ranMs: 7000, costUsd: 0.5, tokensIn: 10, tokensOut: 3 };

const ends: Record<(typeof RUN_ENDING)[number], Decision & { stage: string }> = {
  released: { decision: "released", ...now, stage: "queued", ...run, failure: "error" },
  expired: { decision: "expired", ...now, stage: "queued", ...run, failure: "error" },
  retry_scheduled: { decision: "retry_scheduled", ...now, stage: "queued", ...run, failure: "error" },
  failed: { decision: "failed", ...now, stage: "failed", ...run, failure: "verify" },
  dead_lettered: {
    decision: "dead_lettered",
    ...now,
    stage: "dead_letter",
    ...run,
    failure: "lease_expired",
  },
  shipped: { decision: "shipped", ...now, stage: "shipped", ...run, failure: "error" },
  cancelled: { decision: "cancelled", ...now, stage: "failed", ...run, failure: "cancelled" },
  over_budget: { decision: "over_budget", ...now, stage: "failed", ...run, failure: "over_budget" },
};

type Other = Exclude<EventType, "claimed" | (typeof RUN_ENDING)[number]>;
const others = EVENT_TYPES.filter((type): type is Other => type !== "claimed" && !(type in ends));

/** At least one of each decision, with every field that it may have. */
export const allDecisions: readonly Decision[] = [
  ...others.map((type): Decision => ({ decision: type, ...now, stage: "queued" })),
  { decision: "claimed", ...now, from: "queued", stage: "assigned", waitedMs: 42_000 },
  ...Object.values(ends),
  { decision: "existing", productId: "acme", jobId: "j1", stage: "queued" },
  { decision: "outdated", productId: "acme", jobId: "j1", stage: "queued" },
  ...OPERATIONS.map((operation): Decision => ({
    decision: "refused",
    operation,
    reason: "idempotency_conflict",
    productId: "acme",
    jobId: "j1",
    factoryId: "f1",
  })),
  { decision: "claim_repeated", ...worker },
  ...EMPTY_CLAIM_REASONS.map((reason): Decision => ({
    decision: "claim_empty",
    productId: "acme",
    factoryId: "f1",
    reason,
  })),
  { decision: "race_lost", productId: "acme", factoryId: "f1", races: 3 },
  { decision: "write_conflict", productId: "acme", jobId: "j1", conflicts: 2 },
  { decision: "renewed", ...worker, renewals: 1, leaseSeconds: 90 },
  {
    decision: "fenced",
    ...worker,
    operation: "patch",
    reason: "stale_lease",
    currentEpoch: 2,
    stage: "queued",
  },
  { decision: "request_failed", code: "throttled" },
  { decision: "reaper_pass", reaped: 1, failed: 0, retired: 0, tookMs: 12 },
  {
    decision: "snapshot",
    productId: "acme",
    queued: 4,
    blocked: 1,
    assigned: 1,
    building: 2,
    review: 0,
    testing: 1,
    oldestQueuedSeconds: 600,
    liveLeases: 4,
  },
];
