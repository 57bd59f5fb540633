/**
 * Run documents. They add nothing that the job and its events don't know: an open run is the job's
 * present owner, a closed one is kept whole in the event that closed it. So a lost run document is
 * made again, and writing one is never a reason to fail a request.
 */
import type { JobEvent } from "../schema/event.js";
import { run as runSchema } from "../schema/run.js";
import type { Run } from "../schema/run.js";
import { SCHEMA_VERSION } from "../schema/limits.js";
import type { Job } from "../schema/job.js";
import type { Fleet } from "./fleet.js";
import { readEvents } from "./read-events.js";
import { runOf } from "./advance.js";

const endedRunSchema = runSchema.omit({ id: true, productId: true, schemaVersion: true, jobId: true });

/** Pages of events read to find how an old run ended. 25 pages are 5,000 events: years of a job. */
const EVENT_PAGES_MAX = 25;
const EVENT_PAGE = 200;

/** The run that this event of `job` closed, if it closed one. */
function closedRun(job: Job, event: JobEvent): Run | undefined {
  const told = endedRunSchema.safeParse(event.data["run"]);
  if (!told.success) return undefined;
  const { leaseEpoch } = told.data;
  const id = `${job.id}:${leaseEpoch}`;
  const ended = { id, jobId: job.id, productId: job.productId, schemaVersion: SCHEMA_VERSION };
  return { ...told.data, ...ended, uncounted: true };
}

/** The runs that the events still in the job's outbox ended, as they were then. */
export function runsInOutbox(job: Job): Run[] {
  return job.outbox.map((event) => closedRun(job, event)).filter((run) => run !== undefined);
}

/** Stores an open run, unless one is stored for its epoch already: that one may be closed. */
export async function openRun(fleet: Fleet, run: Run): Promise<void> {
  await fleet.runs.create(run);
}

/** Stores how a run ended. Repeatable; a lost race means that somebody else stored the same. */
async function closeRun(fleet: Fleet, ended: Run): Promise<void> {
  const stored = await fleet.runs.get(ended.jobId, ended.id);
  if (stored?.doc.endedAt !== undefined) return;
  if (stored !== undefined) await fleet.runs.replaceIfMatch(stored, ended);
  else if ((await fleet.runs.create(ended)).kind === "exists") await closeRun(fleet, ended);
}

/** Closes the runs that the events still in the job's outbox tell of. */
export async function closeRunsInOutbox(fleet: Fleet, job: Job): Promise<void> {
  for (const ended of runsInOutbox(job)) await closeRun(fleet, ended);
}

/** Takes away a run that somebody opened for a tombstone, after its runs had gone: nothing tells how it ended. */
export async function dropRun(fleet: Fleet, jobId: string, id: string): Promise<void> {
  const run = await fleet.runs.get(jobId, id);
  if (run !== undefined && run.doc.endedAt === undefined) await fleet.runs.deleteIfMatch(jobId, run);
}

/** Closes the run of an epoch that is over, by what the job's events tell of it. */
export async function closeRunOfEpoch(fleet: Fleet, job: Job, leaseEpoch: number): Promise<void> {
  let after = 0;
  for (let page = 0; page < EVENT_PAGES_MAX; page++) {
    const events = await readEvents(fleet, job, after, EVENT_PAGE);
    const ended = events.value
      .map((event) => closedRun(job, event))
      .find((run) => run?.leaseEpoch === leaseEpoch);
    if (ended !== undefined) return closeRun(fleet, ended);
    if (!events.more) return;
    after = events.value.at(-1)?.seq ?? after;
  }
}

/** The stored runs as the job knows them: an event or a patch counts before its run document does. */
export function withWhatTheJobKnows(runs: readonly Run[], job: Job): Run[] {
  const byEpoch = new Map(runs.map((run) => [run.leaseEpoch, run]));
  for (const ended of runsInOutbox(job)) {
    // A closed document says more than the event that closed it, if a late report has come since.
    if (byEpoch.get(ended.leaseEpoch)?.endedAt === undefined) byEpoch.set(ended.leaseEpoch, ended);
  }
  const present = runOf(job);
  const stored = present && byEpoch.get(present.leaseEpoch);
  if (present !== undefined && stored?.endedAt === undefined) byEpoch.set(present.leaseEpoch, present);
  return [...byEpoch.values()].sort((a, b) => a.leaseEpoch - b.leaseEpoch);
}
