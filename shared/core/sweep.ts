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
/**
 * How long a tick may take for one kind, in milliseconds. The five of them stay under the 30 s between
 * two ticks, and none can starve another.
 */
const KIND_MS_MAX = 5000;
/** Overdue leases, owned, dirty and blocked jobs, open runs. */
const KINDS = 5;

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

/** One tick of the reaper: bounded in documents and in time. Throws only when the store answers no query at all. */
export async function reapAndSweep(fleet: Fleet, sweep: Sweep): Promise<TickReport> {
  const report = { reaped: 0, failed: 0 };
  const unreachable: unknown[] = [];
  const failed = (error: unknown): void => {
    report.failed++;
    fleet.log.warn(`the next pass tries again: ${error instanceof Error ? error.message : "unknown"}`);
  };
  const walk = async <T extends { readonly id: string }>(
    scan: SweepScan<T>,
    visit: (document: T, untilMs: number) => Promise<unknown>,
  ): Promise<void> => {
    const untilMs = fleet.clock.now() + KIND_MS_MAX;
    const hasTime = (): boolean => fleet.clock.now() < untilMs;
    try {
      await scan.step(STEP_MAX, hasTime, async (document) => {
        await visit(document, untilMs).catch(failed);
      });
    } catch (error) {
      unreachable.push(error);
      failed(error);
    }
  };
  const reapOne = async (productId: string, jobId: string): Promise<void> => {
    if (await reap(fleet, productId, jobId)) report.reaped++;
  };

  // What is overdue is found in one query, the longest first, so there is no place to remember.
  const overdue = new SweepScan("", () => overdueLeases(fleet));
  await walk(overdue, (lease) => reapOne(lease.productId, lease.jobId));
  await walk(sweep.owned, (job) => reapOne(job.productId, job.id));
  await walk(sweep.dirty, async (ref, untilMs) => {
    const job = await fleet.jobs.get(ref.productId, ref.id);
    if (job !== undefined) await finishDirty(fleet, job, untilMs);
  });
  await walk(sweep.blocked, (job) => unblock(fleet, job));
  await walk(sweep.openRuns, (run) => closeIfOver(fleet, run));
  if (unreachable.length === KINDS) throw unreachable[0];
  return report;
}

async function overdueLeases(
  fleet: Fleet,
): Promise<readonly { id: string; jobId: string; productId: string }[]> {
  const since = toInstant(fleet.clock.now() - fleet.rules.clockSkewSecondsMax * 1000);
  const leases = await fleet.leases.overdue(since, STEP_MAX);
  return leases.map((lease) => ({ ...lease, id: lease.jobId }));
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
