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
import type { Profile } from "../schema/profile.js";
import type { Fleet } from "./fleet.js";
import type { Stored } from "./ports/store.js";
import { readEvents } from "./read-events.js";
import { runOf } from "./advance.js";
import { resolveProfile } from "./profiles.js";

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
async function closeRun(fleet: Fleet, ended: Run, ahead?: Stored<Run>): Promise<void> {
  if (ahead?.doc.id === ended.id && ahead.doc.endedAt === undefined) {
    const whole = await withSnapshot(fleet, withWhatIsStored(ended, ahead.doc));
    if ((await fleet.runs.replaceIfMatch(ahead, whole)).kind === "replaced") return;
  }
  const stored = await fleet.runs.get(ended.jobId, ended.id);
  if (stored?.doc.endedAt !== undefined) return;
  const whole = await withSnapshot(fleet, withWhatIsStored(ended, stored?.doc));
  if (stored !== undefined) await fleet.runs.replaceIfMatch(stored, whole);
  else if ((await fleet.runs.create(whole)).kind === "exists") await closeRun(fleet, whole);
}

/**
 * The run with what its profile holds: too much for a job and its events, which name the version alone. It
 * never changes, so the run is the same whoever completes it. `known`: a version that is at hand.
 */
export async function withSnapshot(fleet: Fleet, run: Run, known?: Profile): Promise<Run> {
  if (run.profile === undefined || run.profileSnapshot !== undefined) return run;
  const profile = known?.id === run.profile ? known : await resolveProfile(fleet, run.productId, run.profile);
  return profile === undefined ? run : { ...run, profileSnapshot: profile.snapshot };
}

/** A run as the job or its event tells it, with what its document has of the profile. */
function withWhatIsStored(run: Run, stored: Run | undefined): Run {
  if (stored?.profile !== run.profile || stored?.profileSnapshot === undefined) return run;
  return { ...run, profileSnapshot: stored.profileSnapshot };
}

/** Closes the runs that the events still in the job's outbox tell of. `ahead`: one of them, read before. */
export async function closeRunsInOutbox(fleet: Fleet, job: Job, ahead?: Stored<Run>): Promise<void> {
  for (const ended of runsInOutbox(job)) await closeRun(fleet, ended, ahead);
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
  const add = (run: Run): void => {
    byEpoch.set(run.leaseEpoch, withWhatIsStored(run, byEpoch.get(run.leaseEpoch)));
  };
  for (const ended of runsInOutbox(job)) {
    // A closed document says more than the event that closed it, if a late report has come since.
    if (byEpoch.get(ended.leaseEpoch)?.endedAt === undefined) add(ended);
  }
  const present = runOf(job);
  const stored = present && byEpoch.get(present.leaseEpoch);
  if (present !== undefined && stored?.endedAt === undefined) add(present);
  return [...byEpoch.values()].sort((a, b) => a.leaseEpoch - b.leaseEpoch);
}
