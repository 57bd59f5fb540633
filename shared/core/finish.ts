/**
 * What follows a job's own write: its lease, its run, its dependants. None of it decides anything, all
 * of it can be repeated, and the sweep does it again if the process dies first. It is awaited before
 * the answer, since a Functions instance may be frozen after it, but bounded, and it never turns a
 * write that happened into an error.
 */
import type { Job } from "../schema/job.js";
import type { Lease } from "../schema/lease.js";
import { omit } from "../schema/omit.js";
import type { Run } from "../schema/run.js";
import { isFinalStage } from "../schema/stages.js";
import { changeJob, operation } from "./change-job.js";
import { unblock, wakeDependants } from "./deps.js";
import { leaveToCount } from "./count-runs.js";
import type { Fleet } from "./fleet.js";
import { settleLease } from "./lease-writes.js";
import type { Stored } from "./ports/store.js";
import { purge } from "./purge.js";
import { closeRunsInOutbox } from "./run-history.js";
import { sideBySide } from "./side-by-side.js";
import { isTombstone } from "./tombstone.js";

/** How long an answer waits for what follows its write, in milliseconds: a worker
 * should not time out for what the sweep can do. */
const FOLLOW_UP_MS_MAX = 2000;
/** Dependants woken by the request that satisfied them; about 4 store requests each. */
const WAKE_INLINE_MAX = 20;
/** Dependants woken by the sweep for one final job; those beyond come with its scan of blocked jobs. */
const WAKE_SWEEP_MAX = 200;

/** Runs one follow-up step after another until the time is up. A step that fails is logged: the sweep repeats it. */
export async function followUp(
  fleet: Fleet,
  steps: readonly ((untilMs: number) => Promise<unknown>)[],
): Promise<void> {
  const untilMs = fleet.clock.now() + FOLLOW_UP_MS_MAX;
  try {
    for (const step of steps) {
      if (fleet.clock.now() > untilMs) return;
      await step(untilMs);
    }
  } catch (error) {
    fleet.log.warn(
      `left to the sweep: ${error instanceof Error ? error.message : "a step after a write failed"}`,
    );
  }
}

/**
 * After a job became final: lease, run, dependants; then the mark that this is to do goes. Returns the lease
 * as it is then, as far as that is known in time.
 */
export async function finish(fleet: Fleet, job: Stored<Job>): Promise<Lease | undefined> {
  // A tombstone is dirty, too, when the end that it stands for is reported again: that is the sweep's to do.
  if (job.doc.dirty === undefined || isTombstone(job.doc)) return undefined;
  let lease: Lease | undefined;
  let woken: "all" | "some" = "some";
  await followUp(fleet, [
    // The mark that this is to do goes last; but of the rest, nothing waits for the other.
    (untilMs) =>
      sideBySide([
        settleLease(fleet, job.doc, false).then((settled) => (lease = settled)),
        closeRunsInOutbox(fleet, job.doc),
        wakeDependants(fleet, job.doc, WAKE_INLINE_MAX, untilMs).then((many) => (woken = many)),
      ]),
    // Not all of them woken: the job stays dirty, and the sweep goes on.
    async () => {
      if (woken === "all") await clearDirty(fleet, job);
    },
  ]);
  leaveToCount(fleet, job.doc);
  return lease;
}

/**
 * The same for the sweep, which has more time and must not hide a failure. Dependants beyond its bound
 * come with the scan of blocked jobs. A tombstone is done when its history is gone.
 */
export async function finishDirty(fleet: Fleet, job: Stored<Job>, untilMs: number): Promise<void> {
  if (job.doc.dirty === undefined) return;
  if (isTombstone(job.doc)) {
    if (await purge(fleet, job.doc, untilMs)) await clearDirty(fleet, job);
    return;
  }
  await settleLease(fleet, job.doc, false);
  await closeRunsInOutbox(fleet, job.doc);
  await wakeDependants(fleet, job.doc, WAKE_SWEEP_MAX, untilMs);
  await clearDirty(fleet, job);
}

/** The mark goes only together with the outbox: changeJob stores the events before it writes. */
async function clearDirty(fleet: Fleet, job: Stored<Job>): Promise<void> {
  await changeJob<undefined>(fleet, {
    productId: job.doc.productId,
    jobId: job.doc.id,
    operation: operation(fleet, { route: "finish" }, {}),
    known: job,
    storeEvents: "runs_are_closed",
    judge: (now) => {
      // Another life began meanwhile, or another sweep was faster; or it is dirty for another reason by now.
      const sameLife = isFinalStage(now.stage) && now.eventSeq === job.doc.eventSeq;
      if (now.dirty === undefined || !sameLife || isTombstone(now) !== isTombstone(job.doc)) {
        return { kind: "settled", answer: undefined };
      }
      return { kind: "write", next: omit(now, "dirty"), answer: undefined };
    },
    repeated: () => undefined,
  });
}

/** What the end of a run needs, as it was before the job was written. */
export interface Ahead {
  readonly lease: Stored<Lease> | undefined;
  readonly run: Stored<Run> | undefined;
}

/**
 * Reads what the end of this epoch's run will need while the job itself is read, which saves a round trip
 * after the write. Never rejects: what could not be read is read again when it is needed.
 */
export async function lookAhead(fleet: Fleet, jobId: string, leaseEpoch: number): Promise<Ahead> {
  const [lease, run] = await Promise.allSettled([
    fleet.leases.get(jobId, jobId),
    fleet.runs.get(jobId, `${jobId}:${leaseEpoch}`),
  ]);
  return {
    lease: lease.status === "fulfilled" ? lease.value : undefined,
    run: run.status === "fulfilled" ? run.value : undefined,
  };
}

/**
 * After a job went back to the queue: its deps are judged, its lease and run end. Returns job and lease
 * as they are then, as far as that is known in time.
 */
export async function requeued(
  fleet: Fleet,
  job: Stored<Job>,
  ahead?: Ahead,
): Promise<{ job: Job; lease: Lease | undefined }> {
  const latest: { job: Job; lease: Lease | undefined } = { job: job.doc, lease: undefined };
  await followUp(fleet, [
    () =>
      sideBySide([
        settleLease(fleet, job.doc, false, ahead?.lease).then((lease) => (latest.lease = lease)),
        judged(fleet, job).then(({ doc }) => (latest.job = doc)),
        closeRunsInOutbox(fleet, job.doc, ahead?.run),
      ]),
  ]);
  leaveToCount(fleet, job.doc);
  return latest;
}

/** A job that just entered the queue, after its deps were judged; as it was when that takes too long. */
export async function entered(fleet: Fleet, job: Stored<Job>): Promise<Job> {
  let latest = job.doc;
  await followUp(fleet, [async () => (latest = (await judged(fleet, job)).doc)]);
  return latest;
}

async function judged(fleet: Fleet, job: Stored<Job>): Promise<Stored<Job>> {
  if (job.doc.stage !== "blocked") return job;
  const latest = (await unblock(fleet, job.doc, job)) ?? job;
  // It failed with a dependency: so may others that wait for it.
  if (isFinalStage(latest.doc.stage)) await finish(fleet, latest);
  return latest;
}

/** After a job moved to `testing`: soft dependants wait for that. */
export async function movedOn(fleet: Fleet, job: Stored<Job>): Promise<void> {
  if (job.doc.stage !== "testing") return;
  await followUp(fleet, [(untilMs) => wakeDependants(fleet, job.doc, WAKE_INLINE_MAX, untilMs)]);
}
