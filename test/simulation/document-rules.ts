/** The invariants that one version of a document, or two after one another, can break. */
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import { OUTBOX_MAX, PAST_HASHES_MAX, RECENT_OPS_MAX } from "../../shared/schema/limits.js";
import { isFinalStage, isOwnedStage, satisfiesDependants } from "../../shared/schema/stages.js";
import type { Stage } from "../../shared/schema/stages.js";
import { checkAdding } from "./artifact-rules.js";
import { checkBill, checkRetry } from "./bill-rules.js";
import { during, is, lastEvent, typeOf } from "./seen.js";
import type { Seen } from "./seen.js";
import { checkTombstone } from "./tombstone-rules.js";
import { Violation } from "./violation.js";

const OWNED_MOVES: readonly Stage[] = [
  "building",
  "review",
  "testing",
  "shipped",
  "failed",
  "dead_letter",
  "queued",
  "blocked",
];

/** Where a job may go from each stage, by whatever event. Written down here, not read from the code. */
const MOVES: Record<Stage, readonly Stage[]> = {
  queued: ["blocked", "assigned", "queued", "failed"],
  blocked: ["queued", "blocked", "failed"],
  assigned: OWNED_MOVES,
  building: OWNED_MOVES,
  review: OWNED_MOVES,
  testing: OWNED_MOVES,
  shipped: [],
  failed: ["queued", "blocked"],
  dead_letter: ["queued", "blocked"],
};

export function checkJob(monitor: Seen, before: Job | undefined, job: Job): void {
  checkBounds(job);
  checkFold(before, job);
  checkDeps(monitor, before, job);
  if (before === undefined) return;
  if (job.leaseEpoch < before.leaseEpoch) throw new Violation(1, `the epoch fell to ${job.leaseEpoch}`);
  if (job.stage !== before.stage && !MOVES[before.stage].includes(job.stage)) {
    throw new Violation(6, `${before.stage} became ${job.stage}`);
  }
  if (isFinalStage(before.stage) && ended(before) !== ended(job) && typeOf(before, job) !== "redriven")
    throw new Violation(6, "what was final changed");
  checkContent(monitor, before, job);
  checkTombstone(before, job);
  checkOwnership(before, job);
  if (job.eventSeq !== before.eventSeq) checkAdding(before, lastEvent(job));
  checkAttempt(before, job);
  checkRetry(before, job);
  checkBill(before, job);
}

/** What of a final job may never change. */
function ended({
  stage,
  result,
  exit,
  verifyResult,
  failure,
  checkpoint,
  holderFactoryId,
  leaseEpoch,
}: Job): string {
  return JSON.stringify([
    stage,
    result,
    exit,
    verifyResult,
    failure,
    checkpoint,
    holderFactoryId,
    leaseEpoch,
  ]);
}

function checkBounds(job: Job): void {
  const full =
    job.outbox.length > OUTBOX_MAX ||
    job.recentOps.length > RECENT_OPS_MAX ||
    job.pastHashes.length > PAST_HASHES_MAX;
  if (full) throw new Violation(15, "a list of the job passed its bound");
}

/** 11: the last event says what the job is. A write without an event changes none of it. */
function checkFold(before: Job | undefined, job: Job): void {
  const told = [job.stage, job.leaseEpoch, job.attempt, job.holderFactoryId];
  if (before !== undefined && before.eventSeq === job.eventSeq) {
    const known = [before.stage, before.leaseEpoch, before.attempt, before.holderFactoryId];
    if (JSON.stringify(known) !== JSON.stringify(told))
      throw new Violation(11, "the job moved without an event");
    return;
  }
  if (job.eventSeq !== (before?.eventSeq ?? 0) + 1) throw new Violation(10, "one write added not one event");
  const data: Record<string, unknown> = lastEvent(job)?.data ?? {};
  const event = [data["to"], data["leaseEpoch"], data["attempt"], data["holderFactoryId"]];
  if (JSON.stringify(event) !== JSON.stringify(told))
    throw new Violation(11, "the event tells of another job");
  if (before !== undefined && data["from"] !== before.stage)
    throw new Violation(11, "the event comes from another stage");
}

/** 8: content changes by a supersede alone, and never to what it was before. */
function checkContent(monitor: Seen, before: Job, job: Job): void {
  if (before.contentHash === job.contentHash) {
    if (before.bodyMd !== job.bodyMd && !job.tombstone)
      throw new Violation(8, "content changed under its hash");
    return;
  }
  const known = monitor.jobs.get(job.id)?.some(({ doc }) => doc.contentHash === job.contentHash);
  if (known) throw new Violation(8, "a past content came back");
  if (before.stage !== "queued" && before.stage !== "blocked")
    throw new Violation(8, `content changed while ${before.stage}`);
}

/** 1 and 5: an owner is removed only with a new epoch or by its own release; nothing but it touches the checkpoint. */
function checkOwnership(before: Job, job: Job): void {
  const type = typeOf(before, job);
  if (isOwnedStage(before.stage)) {
    const sameOwner = job.holderFactoryId === before.holderFactoryId && job.leaseEpoch === before.leaseEpoch;
    const reaped =
      is(type, ["expired", "dead_lettered", "over_budget", "cancelled"]) &&
      job.leaseEpoch > before.leaseEpoch &&
      job.holderFactoryId === undefined;
    const released =
      is(type, ["released", "retry_scheduled"]) &&
      job.leaseEpoch === before.leaseEpoch &&
      job.holderFactoryId === undefined;
    if (!sameOwner && !reaped && !released)
      throw new Violation(1, "the owner changed without fence or release");
  } else if (isOwnedStage(job.stage) && job.leaseEpoch <= before.leaseEpoch) {
    throw new Violation(1, "a claim did not raise the epoch");
  }
  const byWorker =
    is(type, ["stage_changed", "checkpointed", "shipped", "failed", "released", "retry_scheduled"]) &&
    before.stage !== "blocked";
  if (byWorker && lastEvent(job)?.actor !== before.holderFactoryId)
    throw new Violation(2, "a write by one who was not the holder");
  const kept = JSON.stringify(before.checkpoint) === JSON.stringify(job.checkpoint);
  const byItsOwner = isOwnedStage(before.stage) && job.leaseEpoch === before.leaseEpoch;
  if (!kept && !byItsOwner && type !== "superseded") throw new Violation(5, "the checkpoint changed");
}

/** 14: a claim counts 1, a release takes it back, a supersede and a redrive begin anew, nothing else counts. */
function checkAttempt(before: Job, job: Job): void {
  const type = typeOf(before, job);
  const expected = is(type, ["superseded", "redriven"])
    ? 0
    : before.attempt + (type === "claimed" ? 1 : type === "released" ? -1 : 0);
  if (job.attempt !== expected)
    throw new Violation(14, `attempt ${before.attempt} became ${job.attempt} by ${type ?? "no event"}`);
}

/** 12: edges go to smaller orders of the same product, and a job is queued only if its deps were satisfied. */
function checkDeps(monitor: Seen, before: Job | undefined, job: Job): void {
  for (const id of job.deps) {
    const dep = monitor.job(id);
    if (dep === undefined || dep.productId !== job.productId)
      throw new Violation(12, "a dependency is not of the product");
    if (dep.order >= job.order) throw new Violation(12, "an edge goes to a larger order");
  }
  if (before?.stage === "blocked" && job.stage === "failed" && typeOf(before, job) === "failed")
    checkFailedWithDep(monitor, job);
  if (job.deps.length === 0 || job.stage !== "queued") return;
  if (before?.stage === "queued" && before.contentHash === job.contentHash) return;
  if (before?.stage !== "blocked") throw new Violation(12, "a job with deps was queued without being judged");
  const since = monitor.jobs.get(job.id)?.at(-1)?.step ?? 0;
  for (const id of job.deps) {
    const seen = during(monitor.jobs.get(id), since).some(({ doc }) =>
      satisfiesDependants(doc.stage, job.depsMode),
    );
    if (!seen) throw new Violation(12, "a job was queued whose dependency was never satisfied meanwhile");
  }
}

/** 12: a job fails with a dependency only if one ended without success. */
function checkFailedWithDep(monitor: Seen, job: Job): void {
  const since = monitor.jobs.get(job.id)?.at(-1)?.step ?? 0;
  const lost = job.deps.some((id) =>
    during(monitor.jobs.get(id), since).some(({ doc }) => ["failed", "dead_letter"].includes(doc.stage)),
  );
  if (!lost) throw new Violation(12, "a job failed with a dependency that had not");
}

/** 9: the lease is never ahead of the job, and held at the epoch of an owned job means the same holder. */
export function checkLease(job: Job | undefined, lease: Lease, before?: Lease): void {
  if (before !== undefined && lease.leaseEpoch < before.leaseEpoch)
    throw new Violation(9, "the lease's epoch fell");
  if (job === undefined || lease.leaseEpoch > job.leaseEpoch)
    throw new Violation(9, "the lease is ahead of the job");
  const same = lease.status === "held" && lease.leaseEpoch === job.leaseEpoch && isOwnedStage(job.stage);
  const ownedNow = job.leaseEpoch === lease.leaseEpoch && isOwnedStage(job.stage);
  const wasRevoked = before?.leaseEpoch === lease.leaseEpoch && before.status !== "held";
  if (ownedNow && wasRevoked && lease.status === "held")
    throw new Violation(9, "a lease that was revoked is held again");
  if (ownedNow && lease.status === "released")
    throw new Violation(9, "the lease of an owned job was released");
  if (same && lease.holderFactoryId !== job.holderFactoryId)
    throw new Violation(9, "lease and job have two holders");
}

/** 10: stored events are 1..n without a hole; the outbox overlaps or continues them up to eventSeq. A tombstone's go. */
export function checkEvents(monitor: Seen, job: Job): void {
  if (job.tombstone) return;
  const stored = monitor.storedEvents(job.id);
  const waiting = job.outbox.map(({ seq }) => seq);
  const visible = new Set([...stored, ...waiting]);
  for (let seq = 1; seq <= job.eventSeq; seq++)
    if (!visible.has(seq)) throw new Violation(10, `event ${seq} is lost`);
  if (visible.size > job.eventSeq) throw new Violation(10, "an event is ahead of the job");
  if (waiting.some((seq, place) => place > 0 && seq !== (waiting[place - 1] ?? 0) + 1)) {
    throw new Violation(10, "the outbox is not in order");
  }
}
