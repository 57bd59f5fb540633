/**
 * Decisions: what the fleet says of itself to whoever watches it. A closed list, one line of JSON each in
 * the invocation's log, `decision` first:
 *
 *     {"decision":"claimed","requestId":"…","traceId":"…","productId":"acme","jobId":"j…",…}
 *
 * The Functions worker passes text alone to Application Insights, so a query parses the message:
 *
 *     AppTraces | where Message startswith '{"decision":' | extend d = parse_json(Message)
 *     | where d.decision == "claimed" | summarize percentile(todouble(d.waitedMs), 95) by tostring(d.productId)
 *
 * Queries and alerts name these fields, so none is renamed lightly; docs/telemetry.md shows them all, and
 * a test holds that page to this file.
 *
 * Ids, products, stages, epochs, reasons, durations and counts, never a text that a caller wrote: no
 * title, no body, no message, no key.
 */
import { z } from "zod";
import { EVENT_TYPES } from "./event.js";
import type { EventType } from "./event.js";
import { id } from "./primitives.js";
import type { ProblemCode } from "./problems.js";
import { stage } from "./stages.js";
import { EMPTY_CLAIM_REASONS } from "./wire.js";

const count = z.int().min(0);
const ms = z.number().min(0);

/** Operations that may be refused or fenced. */
export const OPERATIONS = [
  "submit",
  "claim",
  "patch",
  "renew",
  "release",
  "cancel",
  "redrive",
  "artifact",
] as const;
export type Operation = (typeof OPERATIONS)[number];

const operation = z.enum(OPERATIONS);
const named = <T extends string>(...names: T[]) => z.enum(names);

/** The contract's failure kinds. A worker's own word is told as `other`: it is text that a caller wrote. */
export const FAILURE_KINDS = [
  "error",
  "verify",
  "timeout",
  "lease_expired",
  "over_budget",
  "cancelled",
  "other",
] as const;

/** The job after the write that decided. */
const jobNow = {
  productId: id,
  jobId: id,
  /** The stage it is in now, and the one it came from; a job that was just created came from none. */
  stage,
  from: stage.optional(),
  leaseEpoch: count,
  attempt: count,
};
/** Who held the job; absent where nobody did. */
const formerly = { factoryId: id.optional() };
const worker = { productId: id, jobId: id, factoryId: id, leaseEpoch: count };

/** Events that end the run of an owner. Where nobody owned the job, there is nothing to tell of a run. */
export const RUN_ENDING = [
  "released",
  "expired",
  "retry_scheduled",
  "failed",
  "dead_lettered",
  "shipped",
  "cancelled",
  "over_budget",
] as const satisfies readonly EventType[];
const others = EVENT_TYPES.filter((type) => type !== "claimed" && !RUN_ENDING.some((ends) => ends === type));

/** Every change of a job, in the words of its own event. */
const moved = z.strictObject({
  decision: z.enum(others as Exclude<EventType, "claimed" | (typeof RUN_ENDING)[number]>[]),
  ...jobNow,
  ...formerly,
});
const claimed = z.strictObject({
  decision: named("claimed"),
  ...jobNow,
  factoryId: id,
  /** From when it could be claimed to now, in milliseconds. */
  waitedMs: ms,
});
const runEnded = z.strictObject({
  decision: z.enum(RUN_ENDING),
  ...jobNow,
  ...formerly,
  /** The run that ended: how long it was, in milliseconds, and the totals that it reported. */
  ranMs: ms.optional(),
  costUsd: z.number().min(0).optional(),
  tokensIn: z.number().min(0).optional(),
  tokensOut: z.number().min(0).optional(),
  failure: z.enum(FAILURE_KINDS).optional(),
});

export type RunEnded = z.infer<typeof runEnded>;

/** The codes that say no to one operation, and are nobody's fault here. */
export const REFUSALS = [
  "idempotency_conflict",
  "dependency_cycle",
  "dependency_order",
  "unknown_dependency",
  "illegal_transition",
  "validation_failed",
  "factory_not_registered",
  "factory_unavailable",
  "not_found",
  "throttled",
] as const satisfies readonly ProblemCode[];
/** The codes of requests that failed on our side. */
export const FAILURES = [
  "throttled",
  "store_unavailable",
  "misconfigured",
  "internal_error",
] as const satisfies readonly ProblemCode[];

/** Decisions that change no job. */
const answered = [
  /** A submission whose key had a job: with this content, or with one that was superseded since. */
  z.strictObject({ decision: named("existing", "outdated"), productId: id, jobId: id, stage }),
  z.strictObject({
    decision: named("refused"),
    operation,
    reason: z.enum(REFUSALS),
    productId: id,
    jobId: id.optional(),
    factoryId: id.optional(),
  }),
  /** A claim that found its own job again. */
  z.strictObject({ decision: named("claim_repeated"), ...worker }),
  z.strictObject({
    decision: named("claim_empty"),
    productId: id,
    factoryId: id,
    reason: z.enum(EMPTY_CLAIM_REASONS),
  }),
  /** Candidates that one claim lost to others. */
  z.strictObject({ decision: named("race_lost"), productId: id, factoryId: id, races: count }),
  /** Conditional writes of one change of a job that found another version, and were judged again. */
  z.strictObject({ decision: named("write_conflict"), productId: id, jobId: id, conflicts: count }),
  z.strictObject({ decision: named("renewed"), ...worker, renewals: count, leaseSeconds: z.number() }),
  /** A worker's write that was refused: `leaseEpoch` is what it sent, `currentEpoch` the job's. */
  z.strictObject({
    decision: named("fenced"),
    operation,
    reason: z.enum(["stale_lease", "not_holder", "lease_not_held"]),
    ...worker,
    currentEpoch: count,
    stage,
  }),
  z.strictObject({ decision: named("request_failed"), code: z.enum(FAILURES) }),
] as const;

/** One tick of the reaper. `failed`: steps that were left to the next pass. */
const reaperPass = z.strictObject({
  decision: named("reaper_pass"),
  reaped: count,
  failed: count,
  /** Jobs that retention made tombstones. */
  retired: count,
  tookMs: ms,
});
/** One product's open jobs per stage, as a pass of the reaper found them. */
const snapshot = z.strictObject({
  decision: named("snapshot"),
  productId: id,
  queued: count,
  blocked: count,
  assigned: count,
  building: count,
  review: count,
  testing: count,
  /** Age of the oldest queued job since it was submitted; 0 when none is. */
  oldestQueuedSeconds: z.number().min(0),
  /** Jobs that a factory owns, each with a lease. */
  liveLeases: count,
});
export type Snapshot = z.infer<typeof snapshot>;

export const decision = z.discriminatedUnion("decision", [
  moved,
  claimed,
  runEnded,
  ...answered,
  reaperPass,
  snapshot,
]);
export type Decision = z.infer<typeof decision>;

/** Which request a decision belongs to, and whose it is; each line has the two ids. */
export const correlation = z.strictObject({
  /** As `x-request-id` says it; a timer's is its invocation's id. */
  requestId: z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/),
  /** W3C Trace Context: the caller's trace, 32 hex digits. */
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  /** Who asked: the name of an API key, or `entra:` and an object id. Absent where nobody did, or nobody is known. */
  caller: id.optional(),
});
export type Correlation = z.infer<typeof correlation>;

/** The fields of each decision's line, by the decision's name. */
export const DECISION_FIELDS: ReadonlyMap<string, readonly string[]> = new Map(
  decision.options.flatMap(({ shape }) => {
    const fields = [...Object.keys(shape), ...Object.keys(correlation.shape)];
    const names: readonly string[] = shape.decision.options;
    return names.map((name) => [name, fields] as const);
  }),
);

/** Whether a problem is a failure on our side, so that `request_failed` tells of it. */
export function isFailure(code: ProblemCode): code is (typeof FAILURES)[number] {
  return FAILURES.some((failure) => failure === code);
}
