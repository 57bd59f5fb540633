/**
 * The one way a job document changes: read it fresh, judge it, write it back under the etag that was
 * judged. What is decided and what is written are decided on the same version, so no other writer can
 * come between.
 *
 * After a lost race the job is read and judged again. After an *unknown outcome* (a reset, a time-out:
 * the write may have happened, or may happen yet) too, with two differences: an operation that finds
 * itself in the job's `recentOps` was done, and answers as if it had just been; and a refusal is not
 * given, since the write that it would deny may be on its way: the caller is told that nobody knows
 * (503), and repeats.
 *
 * Events travel in the same write, in the job's outbox. The next writer stores the outbox *that it
 * read*, and leaves it out of what it writes under that etag. Reading again before leaving out would
 * lose an event that somebody added in between. A crash between storing and writing stores the same
 * events again: their ids come from their numbers.
 */
import type { Job } from "../schema/job.js";
import { OUTBOX_HALF, RECENT_OPS_MAX } from "../schema/limits.js";
import { storePointersInOutbox } from "./artifact-pointers.js";
import { tell } from "./decisions.js";
import { hashJson, sha256 } from "./hash.js";
import type { Fleet } from "./fleet.js";
import { StoreThrottled, StoreUnavailable } from "./ports/store.js";
import { closeRunsInOutbox } from "./run-history.js";
import type { Stored } from "./ports/store.js";

/** Tries of one change, whether races lost or answers lost. At 16 writers on one job a writer needs about 8. */
const CHANGE_TRIES_MAX = 20;
/** Operations without a key that a job remembers: as many calls as may be under way on one job at once. */
const ONCE_OPS_MAX = 8;
/** First and longest wait between tries, before jitter, in milliseconds. A store request takes 1 to 10. */
const RETRY_MS_MIN = 4;
const RETRY_MS_MAX = 250;

/** What an operation makes of the job it read. */
export type Judgement<A> =
  /** Write `next`. `answer` is what is true once it is written. */
  | { kind: "write"; next: Job; answer: A }
  /** Nothing to write: `answer` is true of the job as it is. */
  | { kind: "settled"; answer: A }
  /** The job does not allow it. */
  | { kind: "refused"; answer: A };

/** An operation's name in `recentOps`: whose it is, and a hash of what it asks for. */
export interface Operation {
  readonly op: string;
  readonly body: string;
  /** Without a key of the caller's: nobody will ever repeat it in another call. */
  readonly once?: true;
  /** A submission's: it may have to recognise its own write after a claim. */
  readonly survivesClaim?: true;
}

export interface Change<A> {
  readonly productId: string;
  readonly jobId: string;
  readonly operation: Operation;
  /** The epoch at which a worker sends it. At another one its past is no answer: it is fenced. */
  readonly leaseEpoch?: number;
  /** A version of the job that was just read or written, to save the first read. */
  readonly known?: Stored<Job> | undefined;
  /**
   * `when_half_full` saves the storing of a short outbox: the next writer finds it. `runs_are_closed`: those
   * that its events ended are closed already.
   */
  readonly storeEvents: "always" | "when_half_full" | "runs_are_closed";
  judge(job: Job): Judgement<A> | Promise<Judgement<A>>;
  /** The answer when `recentOps` shows that this very operation was done before. */
  repeated(job: Job): A;
}

export type Changed<A> =
  | { kind: "changed"; answer: A; job: Stored<Job> }
  | { kind: "unchanged"; answer: A; job: Stored<Job> }
  | { kind: "refused"; answer: A; job: Stored<Job> }
  /** The operation's key was used with another body. */
  | { kind: "idempotency_conflict"; job: Stored<Job> }
  | { kind: "not_found" };

/**
 * Names an operation. Who sent it and at which epoch are part of the name: a later owner that happens
 * to choose the same key must not be told that its own write was done. Without a key the name is new,
 * and serves to recognise the write only within this call.
 */
export function operation(
  fleet: Pick<Fleet, "ids">,
  scope: { route: string; factoryId?: string; leaseEpoch?: number; key?: string | undefined },
  body: unknown,
): Operation {
  const key = scope.key === undefined ? ["once", fleet.ids.unique()] : ["key", scope.key];
  return {
    ...(scope.key === undefined ? { once: true } : {}),
    op: short(sha256(JSON.stringify([scope.route, scope.factoryId ?? "", scope.leaseEpoch ?? 0, ...key]))),
    body: short(hashJson(body)),
  };
}

/** 132 bits tell 64 operations apart as well as 256 do, in half the bytes of every job document. */
function short(hash: string): string {
  return hash.slice(0, 22);
}

/** Changes a job as `change` judges. Throws what the store throws, and `StoreThrottled` when it lost too many races. */
export async function changeJob<A>(fleet: Fleet, change: Change<A>): Promise<Changed<A>> {
  const progress: Progress = { outcomeUnknown: false, conflicts: 0 };
  try {
    for (let attempt = 0; attempt < CHANGE_TRIES_MAX; attempt++) {
      if (attempt > 0) await backOff(fleet, attempt);
      const known = attempt === 0 ? change.known : undefined;
      const job = known ?? (await fleet.jobs.get(change.productId, change.jobId));
      if (job === undefined) return { kind: "not_found" };
      const done = await tryOnce(fleet, change, job, progress);
      if (done !== "again") return done;
    }
    const { outage: cause } = progress;
    throw new StoreThrottled(
      1,
      new Error(`${CHANGE_TRIES_MAX} tries lost on job ${change.jobId}`, { cause }),
    );
  } catch (error) {
    // "Throttled" promises that nothing was done. After an unknown outcome nobody can.
    if (progress.outcomeUnknown && error instanceof StoreThrottled) throw whetherItHappenedIsUnknown(error);
    throw error;
  } finally {
    const { productId, jobId } = change;
    const { conflicts } = progress;
    if (conflicts > 0) fleet.log.decision({ decision: "write_conflict", productId, jobId, conflicts });
  }
}

/** What one call has gone through. */
interface Progress {
  outcomeUnknown: boolean;
  /** What the last write without an answer threw: for the log, where nothing else says what is wrong with the store. */
  outage?: unknown;
  /** The last write without an answer: told of when it turns out to have happened. */
  unanswered?: { readonly before: Job; readonly after: Job };
  conflicts: number;
}

async function tryOnce<A>(
  fleet: Fleet,
  change: Change<A>,
  job: Stored<Job>,
  progress: Progress,
): Promise<Changed<A> | "again"> {
  const before = job.doc.recentOps.find((recent) => recent.op === change.operation.op);
  // Within this call the write was its own: it happened, whatever came after it.
  const answersStill =
    progress.outcomeUnknown || change.leaseEpoch === undefined || change.leaseEpoch === job.doc.leaseEpoch;
  if (answersStill && before?.body === change.operation.body) {
    if (progress.unanswered !== undefined) tell(fleet, progress.unanswered.before, progress.unanswered.after);
    return { kind: "unchanged", answer: change.repeated(job.doc), job };
  }
  const judgement = await change.judge(job.doc);
  if (judgement.kind === "refused") {
    if (progress.outcomeUnknown) throw whetherItHappenedIsUnknown();
    return { kind: "refused", answer: judgement.answer, job };
  }
  // A fence comes before all else, so only now: the key is known, with another body.
  if (before !== undefined) return { kind: "idempotency_conflict", job };
  if (judgement.kind === "settled") return { kind: "unchanged", answer: judgement.answer, job };

  const written = await write(fleet, change, job, judgement.next, progress);
  if (written.kind === "written") {
    tell(fleet, job.doc, written.job.doc);
    return { kind: "changed", answer: judgement.answer, job: written.job };
  }
  if (written.kind === "outcome_unknown") {
    progress.outcomeUnknown = true;
    progress.unanswered = { before: job.doc, after: judgement.next };
  } else progress.conflicts++;
  return "again";
}

function whetherItHappenedIsUnknown(cause?: unknown): StoreUnavailable {
  return new StoreUnavailable("whether the write happened is not known", cause);
}

async function write<A>(
  fleet: Fleet,
  change: Change<A>,
  read: Stored<Job>,
  next: Job,
  progress: Progress,
): Promise<{ kind: "written"; job: Stored<Job> } | { kind: "lost" } | { kind: "outcome_unknown" }> {
  const added = next.outbox.slice(read.doc.outbox.length);
  const keep = change.storeEvents === "when_half_full" && read.doc.outbox.length < OUTBOX_HALF;
  if (!keep) await storeEvents(fleet, read.doc, change.storeEvents === "runs_are_closed");
  const doc: Job = {
    ...next,
    outbox: keep ? next.outbox : added,
    recentOps: remember(next.recentOps, change.operation),
  };
  try {
    const outcome = await fleet.jobs.replaceIfMatch(read, doc);
    if (outcome.kind === "replaced") return { kind: "written", job: { doc, etag: outcome.etag } };
    return { kind: "lost" };
  } catch (error) {
    progress.outage = error;
    if (error instanceof StoreUnavailable) return { kind: "outcome_unknown" };
    throw error;
  }
}

/**
 * Stores what waits in the outbox of a job that was read, the runs that it says have ended, and the
 * artifacts that it says were added: with the event gone from the job, nobody would know them.
 * Repeatable; side by side, since ids differ.
 */
async function storeEvents(fleet: Fleet, job: Job, runsAreClosed: boolean): Promise<void> {
  await Promise.all([
    ...job.outbox.map((event) => fleet.events.append(job, event)),
    ...(runsAreClosed ? [] : [closeRunsInOutbox(fleet, job)]),
    storePointersInOutbox(fleet, job),
  ]);
}

/** Keyed operations are remembered for their callers, the others only until their own call has ended. */
function remember(known: Job["recentOps"], operation: Operation): Job["recentOps"] {
  const former = known.filter((recent) => recent.once).slice(-(ONCE_OPS_MAX - 1));
  const kept = known.filter((recent) => !recent.once || former.includes(recent));
  return [...kept, { ...operation }].slice(-RECENT_OPS_MAX);
}

/** Waits before the next try: exponential, bounded, with full jitter so that losers don't meet again. */
export async function backOff(fleet: Pick<Fleet, "pause" | "random">, attempt: number): Promise<void> {
  const longest = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** attempt);
  await fleet.pause(fleet.random.next() * longest);
}
