/**
 * The reaper's pass: overdue leases first, since they are cheap to find and tell of a dead factory at
 * once; then the sweep, on which correctness rests. It looks at every job that may have been left
 * half done, and does again what its writer did not live to do. Each step is one that an operation does
 * anyway, each can be repeated, and one that fails hinders no other.
 *
 * Rule: when faults stop, two passes bring every job to a legal resting state.
 */
import type { JobRef } from "./repositories/jobs.js";
import { toInstant } from "../schema/primitives.js";
import { isOwned } from "./advance.js";
import { unblock } from "./deps.js";
import { finishDirty } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { reap } from "./reap.js";
import { closeRunOfEpoch } from "./run-history.js";
import { randomPlace, SweepScan } from "./sweep-scan.js";

/** Documents of each kind looked at per tick. At 5 ms a request and 4 requests each that is 4 s a kind. */
const STEP_MAX = 200;
/** How long one tick may take, in milliseconds: under the 30 s between two, so that they don't pile up. */
const TICK_MS_MAX = 25_000;

export interface TickReport {
  readonly reaped: number;
  readonly failed: number;
}

/** Where one instance's sweep stands. Nothing is lost with it: another begins at a random place. */
export type Sweep = ReturnType<typeof startSweep>;

export function startSweep(fleet: Fleet) {
  const jobs = (what: "owned" | "blocked" | "dirty") =>
    new SweepScan<JobRef>(randomPlace(fleet), (after, limit) => fleet.jobs.sweep(what, after, limit));
  return {
    owned: jobs("owned"),
    dirty: jobs("dirty"),
    blocked: jobs("blocked"),
    openRuns: new SweepScan(randomPlace(fleet), (after, limit) => fleet.runs.sweepOpen(after, limit)),
  };
}

/** One tick of the reaper: bounded in documents and in time. Never throws for one job's sake. */
export async function reapAndSweep(fleet: Fleet, sweep: Sweep): Promise<TickReport> {
  const untilMs = fleet.clock.now() + TICK_MS_MAX;
  const report = { reaped: 0, failed: 0 };
  const each = async <T>(documents: readonly T[], step: (document: T) => Promise<unknown>): Promise<void> => {
    for (const document of documents) {
      if (fleet.clock.now() > untilMs) return;
      try {
        await step(document);
      } catch (error) {
        report.failed++;
        fleet.log.warn(`the next pass tries again: ${error instanceof Error ? error.message : "unknown"}`);
      }
    }
  };
  const reapOne = async (productId: string, jobId: string): Promise<void> => {
    if (await reap(fleet, productId, jobId)) report.reaped++;
  };

  const overdueSince = toInstant(fleet.clock.now() - fleet.rules.clockSkewSecondsMax * 1000);
  await each(await fleet.leases.overdue(overdueSince, STEP_MAX), (lease) =>
    reapOne(lease.productId, lease.jobId),
  );
  await each(await sweep.owned.step(STEP_MAX), (job) => reapOne(job.productId, job.id));
  await each(await sweep.dirty.step(STEP_MAX), async (ref) => {
    const job = await fleet.jobs.get(ref.productId, ref.id);
    if (job !== undefined) await finishDirty(fleet, job, untilMs);
  });
  await each(await sweep.blocked.step(STEP_MAX), (job) => unblock(fleet, job));
  await each(await sweep.openRuns.step(STEP_MAX), (run) => closeIfOver(fleet, run));
  return report;
}

/** A run whose epoch is over, but whose document doesn't say so: the writer died first, or came late. */
async function closeIfOver(
  fleet: Fleet,
  run: { jobId: string; productId: string; leaseEpoch: number },
): Promise<void> {
  const job = (await fleet.jobs.get(run.productId, run.jobId))?.doc;
  if (job === undefined || (isOwned(job) && job.leaseEpoch === run.leaseEpoch)) return;
  await closeRunOfEpoch(fleet, job, run.leaseEpoch);
}
