/**
 * What goes with a tombstone: its artifacts with their bytes, events, runs and lease, each under the etag that was read.
 * Deleted, not given a time to live: a document gets that by a conditional write as well, which on Cosmos
 * DB costs twice a delete, takes effect late, and needs a clock of its own in every other store.
 */
import type { Job } from "../schema/job.js";
import { countRuns } from "./count-runs.js";
import type { Fleet } from "./fleet.js";
import type { DeleteOutcome, Page } from "./ports/store.js";

/** Documents of one page, and how many of them go side by side: two requests each. */
const PAGE = 100;
const AT_ONCE = 10;

/**
 * Deletes the history of a tombstone. Returns whether nothing of it is left; what is left when the time is
 * up goes the next time. Repeatable.
 */
export async function purge(
  fleet: Fleet,
  { id, productId }: Pick<Job, "id" | "productId">,
  untilMs: number,
): Promise<boolean> {
  const steps = [
    async () => (await fleet.blobs.deleteJobArtifacts(productId, id)) === "all",
    () =>
      deleteAll(
        fleet,
        untilMs,
        () => fleet.artifacts.list(id, PAGE),
        (one) => deleteArtifact(fleet, id, one.id),
      ),
    () =>
      deleteAll(
        fleet,
        untilMs,
        () => fleet.events.list(id, PAGE),
        ({ seq }) => deleteEvent(fleet, id, seq),
      ),
    () =>
      deleteAll(
        fleet,
        untilMs,
        () => fleet.runs.list(id, PAGE),
        (run) => deleteRun(fleet, id, run.id),
      ),
    () => deleteLease(fleet, id),
  ];
  for (const step of steps) if (!(await step())) return false;
  return true;
}

async function deleteAll<T>(
  fleet: Fleet,
  untilMs: number,
  list: () => Promise<Page<T>>,
  remove: (document: T) => Promise<boolean>,
): Promise<boolean> {
  for (;;) {
    const page = await list();
    for (let start = 0; start < page.value.length; start += AT_ONCE) {
      if (fleet.clock.now() > untilMs) return false;
      const gone = await Promise.all(page.value.slice(start, start + AT_ONCE).map(remove));
      if (!gone.every(Boolean)) return false;
    }
    if (!page.more) return true;
  }
}

function isGone({ kind }: DeleteOutcome): boolean {
  return kind !== "etag_mismatch";
}

async function deleteArtifact(fleet: Fleet, jobId: string, id: string): Promise<boolean> {
  const artifact = await fleet.artifacts.get(jobId, id);
  return artifact === undefined || isGone(await fleet.artifacts.deleteIfMatch(jobId, artifact));
}

async function deleteEvent(fleet: Fleet, jobId: string, seq: number): Promise<boolean> {
  const event = await fleet.events.getBySeq(jobId, seq);
  return event === undefined || isGone(await fleet.events.deleteIfMatch(jobId, event));
}

/** What a run used must be in the totals before the run goes: a late report may have come since it was counted. */
async function deleteRun(fleet: Fleet, jobId: string, id: string): Promise<boolean> {
  const run = await fleet.runs.get(jobId, id);
  if (run === undefined) return true;
  if (run.doc.uncounted === true) {
    await countRuns(fleet, [run.doc]);
    return false;
  }
  return isGone(await fleet.runs.deleteIfMatch(jobId, run));
}

async function deleteLease(fleet: Fleet, jobId: string): Promise<boolean> {
  const lease = await fleet.leases.get(jobId, jobId);
  return lease === undefined || isGone(await fleet.leases.deleteIfMatch(jobId, lease));
}
