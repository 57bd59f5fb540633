/**
 * Counting: what a run used is added to the totals of its product and engine, once, though the two are
 * documents of different partitions and no transaction spans them.
 *
 * A run that ended is stored with `uncounted`. What the totals hold of a run is `pending[run]` in the
 * totals where there is such an entry, else `counted` in the run, else nothing.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | T0 read the totals, **then** the run | nothing happened |
 * | T1 the totals, under their etag: sums + (the run's insights − what they hold of it), `pending[run]` = the run's insights | the run is still `uncounted`; whoever comes next finds `pending[run]`, adds nothing, and goes on at T2 |
 * | T2 the run, under its etag: `counted` = its insights, `uncounted` gone | done. The entry in `pending` says what `counted` says |
 * | T3 the entry goes with the next write of the totals, whose writer read that entry, and then a run that says as much | – |
 *
 * The totals first: a run read before them may lack a `counted` whose entry has gone since, and would be
 * added twice. T2 goes under the etag of the very version that T1 added: insights that grew since make it
 * fail, and the difference is added at the next try.
 *
 * Insights of a run that ended can still grow, when a worker that lost the job reports late. Whoever
 * changes the run says `uncounted` again in the same write; the difference is added in the same way.
 *
 * The call that ends a run does not count it (leaveToCount). Several may count at once: a few tries, then the
 * run is left to the sweep, which counts many runs of one engine in one write.
 */
import type { Job } from "../schema/job.js";
import { SCHEMA_VERSION } from "../schema/limits.js";
import { omit } from "../schema/omit.js";
import type { Counted, Run, RunRef } from "../schema/run.js";
import type { Totals } from "../schema/totals.js";
import { backOff } from "./change-job.js";
import type { Fleet } from "./fleet.js";
import type { Stored } from "./ports/store.js";
import { totalsIdOf } from "./repositories/totals.js";
import { runsInOutbox } from "./run-history.js";
import { added, countedOf, covers, NOTHING, together } from "./sums.js";
import { isTombstone } from "./tombstone.js";

/** Tries against others that count for the same engine: with full jitter, five of them at once get through. */
const COUNT_TRIES_MAX = 5;
/** Runs of one engine that one write counts: 50 entries are about 10 KB of the totals' document. */
const COUNT_AT_ONCE = 50;
/** Entries of earlier counts that one write looks after: as many as one write makes, so that they don't pile up. */
const SETTLE_AT_ONCE = 50;

/** Runs remembered between two sweeps: at 200 bytes each 1 MB at most. Those beyond it are the sweep's alone. */
const LEFT_MAX = 5000;
/** How long who asks for totals waits for the counting, in milliseconds. */
const COUNT_HERE_MS_MAX = 1000;

/**
 * Adds to the totals what they lack of these runs. Repeatable, by anybody, at any time. Returns whether
 * all of them are counted now; those that are not are left to the sweep. Throws what the store throws.
 */
export async function countRuns(fleet: Fleet, runs: readonly RunRef[], untilMs = Infinity): Promise<boolean> {
  let all = true;
  for (const group of byTotals(runs)) {
    for (let start = 0; start < group.length; start += COUNT_AT_ONCE) {
      if (fleet.clock.now() > untilMs) return false;
      if (!(await countTogether(fleet, group.slice(start, start + COUNT_AT_ONCE)))) all = false;
    }
  }
  return all;
}

/** The runs that are counted together: those of one product and engine. */
export function byTotals(runs: readonly RunRef[]): readonly (readonly RunRef[])[] {
  return [...Map.groupBy(runs, (run) => JSON.stringify([run.productId, run.engine])).values()];
}

/**
 * Remembers the runs that a write just ended. Counting each at once would put four more round trips before
 * the answer, and all factories that finish at a time would meet at one document; together they cost one
 * write. The sweep counts them, or whoever asks this instance for the totals first. Nothing is lost with
 * the memory: a run says itself that it is `uncounted`.
 */
export function leaveToCount(fleet: Pick<Fleet, "uncounted">, job: Job): void {
  for (const { id, jobId, productId, engine } of runsInOutbox(job)) {
    if (fleet.uncounted.size >= LEFT_MAX) return;
    fleet.uncounted.set(id, { id, jobId, productId, engine });
  }
}

/** Counts the runs of a product that ended on this instance, so that its totals are up to date here. What fails is left to the sweep. */
export async function countLeftHere(fleet: Fleet, productId: string): Promise<void> {
  const left = [...fleet.uncounted.values()].filter((run) => run.productId === productId);
  for (const { id } of left) fleet.uncounted.delete(id);
  try {
    await countRuns(fleet, left, fleet.clock.now() + COUNT_HERE_MS_MAX);
  } catch (error) {
    fleet.log.warn(`runs were left to the sweep: ${error instanceof Error ? error.message : "unknown"}`);
  }
}

/** Runs of one product and engine, in one write of their totals. */
async function countTogether(fleet: Fleet, group: readonly RunRef[]): Promise<boolean> {
  for (let attempt = 0; attempt < COUNT_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    if (await tryOnce(fleet, group)) return true;
  }
  return false;
}

async function tryOnce(fleet: Fleet, group: readonly RunRef[]): Promise<boolean> {
  const [first] = group;
  if (first === undefined) return true;
  const totals = await fleet.totals.get(first.productId, totalsIdOf(first.engine));
  const pending = totals?.doc.pending ?? {};
  // Entries of others are settled on the way, and their runs counted where whoever began it has died.
  const ids = new Set([...group.map(({ id }) => id), ...Object.keys(pending).slice(0, SETTLE_AT_ONCE)]);
  // Only now: the totals first, for the reason above.
  const read = await Promise.all([...ids].map(async (id) => [id, await readRun(fleet, id)] as const));
  const known = new Map(read);
  const uncounted = [...known.values()].filter((run) => run !== undefined).filter(({ doc }) => doc.uncounted);
  const next = nextTotals(totals?.doc ?? newTotals(first), known);
  if (next.adds && !(await write(fleet, totals, next.doc))) return false;
  const noted = await Promise.all(uncounted.map((run) => note(fleet, run, next.doc.pending[run.doc.id])));
  return noted.every(Boolean);
}

/** The run under this id, unless it is one that must not be counted: it is taken away then. */
async function readRun(fleet: Fleet, id: string): Promise<Stored<Run> | undefined> {
  const run = await fleet.runs.get(jobIdOfRun(id), id);
  if (run?.doc.uncounted !== true || run.doc.counted !== undefined) return run;
  // A tombstone's runs were all counted before it became one. So this one is back from the dead: somebody
  // was about to store it, and fell asleep for as long as retention takes.
  const job = await fleet.jobs.get(run.doc.productId, run.doc.jobId);
  if (job === undefined || !isTombstone(job.doc)) return run;
  await fleet.runs.deleteIfMatch(run.doc.jobId, run);
  return undefined;
}

/** T1 and T3: the totals with what they lack of the uncounted runs, and without the entries that are settled. */
function nextTotals(
  totals: Totals,
  known: ReadonlyMap<string, Stored<Run> | undefined>,
): { doc: Totals; adds: boolean } {
  let doc = totals;
  let adds = false;
  for (const [id, run] of known) {
    const entry = totals.pending[id];
    if (run?.doc.uncounted === true) {
      const before = entry ?? run.doc.counted;
      const after = together(before, countedOf(run.doc));
      if (covers(before, after)) continue;
      adds = true;
      doc = { ...doc, ...added(doc, before, after), pending: { ...doc.pending, [id]: after } };
    } else if (entry !== undefined && (run === undefined || covers(run.doc.counted, entry))) {
      doc = { ...doc, pending: omit(doc.pending, id) };
    }
  }
  return { doc, adds };
}

async function write(fleet: Fleet, read: Stored<Totals> | undefined, next: Totals): Promise<boolean> {
  const outcome =
    read === undefined ? await fleet.totals.create(next) : await fleet.totals.replaceIfMatch(read, next);
  return outcome.kind === "created" || outcome.kind === "replaced";
}

/** T2: the run says what the totals hold of it. False when it has changed since it was read. */
async function note(fleet: Fleet, run: Stored<Run>, entry: Counted | undefined): Promise<boolean> {
  const counted = together(run.doc.counted, entry ?? countedOf(run.doc));
  const { kind } = await fleet.runs.replaceIfMatch(run, { ...omit(run.doc, "uncounted"), counted });
  return kind === "replaced";
}

function newTotals({ productId, engine }: RunRef): Totals {
  return {
    id: totalsIdOf(engine),
    productId,
    schemaVersion: SCHEMA_VERSION,
    ...(engine === undefined ? {} : { engine }),
    ...NOTHING,
    pending: {},
  };
}

/** A run's id is its job's, a colon, and the epoch. */
function jobIdOfRun(id: string): string {
  return id.slice(0, id.lastIndexOf(":"));
}
