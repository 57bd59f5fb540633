/** Cancel or redrive many jobs: one page of a product's list per call, each job by its own operation. */
import type { Job } from "../schema/job.js";
import { BULK_JOBS_MAX } from "../schema/limits.js";
import type { BulkRequest } from "../schema/requests.js";
import { isFinalStage } from "../schema/stages.js";
import { cancel } from "./cancel.js";
import type { Fleet } from "./fleet.js";
import { isTombstone } from "./tombstone.js";
import { StoreThrottled, StoreUnavailable } from "./ports/store.js";
import type { QueueFull } from "./queue-room.js";
import { redrive } from "./redrive.js";
import type { JobPlace } from "./repositories/jobs.js";

/** How long one call goes on with jobs, in milliseconds: well within what a caller waits for an answer. */
const BULK_MS_MAX = 10_000;
/** Later than every job. */
const END_OF_TIME = "9999-12-31T23:59:59.999Z";

export interface BulkDone {
  /** Jobs looked at that pass the filter and that the action can change. */
  readonly matched: number;
  /** Of those, jobs that it changed. 0 in a dry run. */
  readonly changed: number;
  /** Of those, jobs that had gone on by themselves, or that may not be changed. */
  readonly refused: number;
  /** Where the next call goes on; undefined when all have been looked at. */
  readonly next: JobPlace | undefined;
  /** The queue had no room for the next one, which was left as it was. */
  readonly full?: QueueFull;
}

/**
 * Acts on the jobs behind `after`, newest first. What the store refuses is thrown while nothing was changed;
 * later it ends the call, and `next` says where to go on. If the process dies midway, each job is changed or
 * it is not: the call can be repeated.
 */
export async function bulk(
  fleet: Fleet,
  productId: string,
  request: BulkRequest,
  after: JobPlace = [request.filter.olderThan ?? END_OF_TIME, "z"],
): Promise<BulkDone> {
  const { filter, action, dryRun } = request;
  const untilMs = fleet.clock.now() + BULK_MS_MAX;
  const page = await fleet.jobs.list(productId, filter, BULK_JOBS_MAX, after);
  // What a job depends on is older. Redriven after it, the job would fail with it once more.
  const jobs = action === "redrive" ? page.value.toReversed() : page.value;
  const done = { matched: 0, changed: 0, refused: 0 };
  let seen = 0;
  let full: QueueFull | undefined;
  for (const job of jobs) {
    if (seen > 0 && fleet.clock.now() > untilMs) break;
    const passed = passes(job, request);
    if (passed && !dryRun) {
      const outcome = await attempt(() => act(fleet, job, request), done.changed > 0);
      if (outcome === "later") break;
      if (typeof outcome === "object") {
        full = outcome;
        break;
      }
      done[outcome]++;
    }
    if (passed) done.matched++;
    seen++;
  }
  const last = (seen === jobs.length ? page.value : jobs.slice(0, seen)).at(-1);
  if (seen === jobs.length) return { ...done, next: page.more && last ? placeOf(last) : undefined };
  // Those that were redriven don't pass again.
  const next = action === "redrive" || last === undefined ? after : placeOf(last);
  return { ...done, next, ...(full === undefined ? {} : { full }) };
}

const placeOf = ({ createdAt, id }: Job): JobPlace => [createdAt, id];

/** Once something was changed, a store that refuses ends the call, which says how far it came. */
async function attempt<T>(work: () => Promise<T>, somethingWasDone: boolean): Promise<T | "later"> {
  try {
    return await work();
  } catch (error) {
    const refused = error instanceof StoreThrottled || error instanceof StoreUnavailable;
    if (refused && somethingWasDone) return "later";
    throw error;
  }
}

async function act(
  fleet: Fleet,
  { productId, id }: Job,
  { action, reason }: BulkRequest,
): Promise<"changed" | "refused" | QueueFull> {
  if (action === "cancel") {
    const { kind } = await cancel(fleet, productId, id, reason === undefined ? {} : { reason });
    return kind === "cancelled" ? "changed" : "refused";
  }
  const outcome = await redrive(fleet, productId, id, {});
  if (outcome.kind === "queue_full") return outcome;
  // It may have failed again at once, with what it depends on.
  return outcome.kind === "redriven" && !isFinalStage(outcome.job.stage) ? "changed" : "refused";
}

/** What the list's own filter does not ask. */
function passes(job: Job, { action, filter }: BulkRequest): boolean {
  if (filter.olderThan !== undefined && job.createdAt >= filter.olderThan) return false;
  return action === "cancel"
    ? !isFinalStage(job.stage)
    : (job.stage === "failed" || job.stage === "dead_letter") && !isTombstone(job);
}
