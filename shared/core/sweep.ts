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
import { FINAL_STAGES } from "../schema/stages.js";
import type { FinalStage } from "../schema/stages.js";
import { isOwned } from "./advance.js";
import { byTotals, countRuns } from "./count-runs.js";
import type { RunRef } from "../schema/run.js";
import { unblock } from "./deps.js";
import { finishDirty } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { adopt } from "./lanes.js";
import { reap } from "./reap.js";
import { retire } from "./retire.js";
import { closeRunOfEpoch, dropRun } from "./run-history.js";
import { randomPlace, SweepScan } from "./sweep-scan.js";
import { dueBefore, isTombstone } from "./tombstone.js";

/** Documents of each kind looked at per tick. At 5 ms a request and 4 requests each that is 4 s a kind. */
const STEP_MAX = 200;
/**
 * How long a tick may take for one kind, in milliseconds. The eight of them stay under the 30 s between
 * two ticks, and none can starve another.
 */
const KIND_MS_MAX = 3500;

export interface TickReport {
  readonly reaped: number;
  readonly failed: number;
  /** Jobs that became tombstones. */
  readonly retired: number;
}

/** Where one instance's sweep stands. Nothing is lost with it: another begins at a random place. */
export type Sweep = ReturnType<typeof startSweep>;

export function startSweep(fleet: Fleet) {
  const jobs = (what: "owned" | "blocked" | "dirty" | "unlaned") =>
    new SweepScan<JobRef>(randomPlace(fleet), (after, limit) => fleet.jobs.sweep(what, after, limit));
  return {
    owned: jobs("owned"),
    dirty: jobs("dirty"),
    blocked: jobs("blocked"),
    unlaned: jobs("unlaned"),
    openRuns: new SweepScan(randomPlace(fleet), (after, limit) => fleet.runs.sweepOpen(after, limit)),
    uncounted: new SweepScan(randomPlace(fleet), (after, limit) => fleet.runs.sweepUncounted(after, limit)),
  };
}

/** Jobs of each final stage that one tick retires: a job takes about 20 requests, and its events 2 each. */
const DUE_OF_STAGE_MAX = Math.floor(STEP_MAX / FINAL_STAGES.length);

/** Takes one step of a scan, in bounded time. What fails is reported, and hinders nothing else. */
type Walk = <T extends { readonly id: string }>(
  scan: SweepScan<T>,
  visit: (document: T, untilMs: number) => Promise<unknown>,
) => Promise<void>;

/** One tick of the reaper: bounded in documents and in time. Throws only when the store answers no query at all. */
export async function reapAndSweep(fleet: Fleet, sweep: Sweep): Promise<TickReport> {
  const report = { reaped: 0, failed: 0, retired: 0 };
  const unreachable: unknown[] = [];
  let kinds = 0;
  const failed = (error: unknown): void => {
    report.failed++;
    fleet.log.warn(`the next pass tries again: ${error instanceof Error ? error.message : "unknown"}`);
  };
  const walk: Walk = async (scan, visit) => {
    kinds++;
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
  await walk(sweep.unlaned, (job) => adopt(fleet, job));
  await walk(sweep.openRuns, (run) => closeIfOver(fleet, run));
  await countLeft(fleet, sweep, walk, failed);
  await retireDue(fleet, walk, () => report.retired++);
  if (unreachable.length === kinds) throw unreachable[0];
  return report;
}

async function overdueLeases(
  fleet: Fleet,
): Promise<readonly { id: string; jobId: string; productId: string }[]> {
  const since = toInstant(fleet.clock.now() - fleet.rules.clockSkewSecondsMax * 1000);
  const leases = await fleet.leases.overdue(since, STEP_MAX);
  return leases.map((lease) => ({ ...lease, id: lease.jobId }));
}

/** Runs that nobody lived to count, those of one engine together: one write counts many. */
async function countLeft(
  fleet: Fleet,
  sweep: Sweep,
  walk: Walk,
  failed: (error: unknown) => void,
): Promise<void> {
  const found: RunRef[] = [];
  let untilMs = 0;
  await walk(sweep.uncounted, (run, until) => {
    found.push(run);
    untilMs = until;
    return Promise.resolve();
  });
  for (const { id } of found) fleet.uncounted.delete(id);
  for (const group of byTotals(found)) await countRuns(fleet, group, untilMs).catch(failed);
}

/** Jobs that ended long ago, if there is a time after which they are history. */
async function retireDue(fleet: Fleet, walk: Walk, retired: () => void): Promise<void> {
  const before = dueBefore(fleet);
  if (before === undefined) return;
  const find = (stage: FinalStage) => fleet.jobs.endedBefore(stage, before, DUE_OF_STAGE_MAX);
  const due = new SweepScan("", async () => (await Promise.all(FINAL_STAGES.map(find))).flat());
  await walk(due, async (job, untilMs) => {
    if (await retire(fleet, job, untilMs)) retired();
  });
}

/** A run whose epoch is over, but whose document doesn't say so: the writer died first, or came late. */
async function closeIfOver(
  fleet: Fleet,
  run: { id: string; jobId: string; productId: string; leaseEpoch: number },
): Promise<void> {
  const job = (await fleet.jobs.get(run.productId, run.jobId))?.doc;
  if (job === undefined || (isOwned(job) && job.leaseEpoch === run.leaseEpoch)) return;
  if (isTombstone(job)) await dropRun(fleet, job.id, run.id);
  else await closeRunOfEpoch(fleet, job, run.leaseEpoch);
}
