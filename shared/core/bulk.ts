/** Cancel or redrive many jobs: one page of a product's list per call, each job by its own operation. */
import type { Job } from "../schema/job.js";
import { BULK_JOBS_MAX } from "../schema/limits.js";
import type { BulkRequest } from "../schema/requests.js";
import { isFinalStage } from "../schema/stages.js";
import { cancel } from "./cancel.js";
import type { Fleet } from "./fleet.js";
import { isTombstone } from "./tombstone.js";
import { redrive } from "./redrive.js";
import type { JobPlace } from "./repositories/jobs.js";

/** How long one call goes on with jobs, in milliseconds: well within what a caller waits for an answer. */
const BULK_MS_MAX = 10_000;

export interface BulkDone {
  /** Jobs looked at that pass the filter and that the action can change. */
  readonly matched: number;
  /** Of those, jobs that it changed. 0 in a dry run. */
  readonly changed: number;
  /** Of those, jobs that had gone on by themselves, or that may not be changed. */
  readonly refused: number;
  /** Where the next call goes on; undefined when all have been looked at. */
  readonly next: JobPlace | undefined;
}

/** Acts on the jobs behind `after`, newest first. What the store refuses midway is thrown: the call can be repeated. */
export async function bulk(
  fleet: Fleet,
  productId: string,
  request: BulkRequest,
  after: JobPlace | undefined,
): Promise<BulkDone> {
  const { filter, action, dryRun, reason } = request;
  const untilMs = fleet.clock.now() + BULK_MS_MAX;
  const page = await fleet.jobs.list(productId, filter, BULK_JOBS_MAX, after);
  const done = { matched: 0, changed: 0, refused: 0 };
  let last: Job | undefined;
  for (const job of page.value) {
    if (fleet.clock.now() > untilMs) break;
    last = job;
    if (!passes(job, request)) continue;
    done.matched++;
    if (dryRun) continue;
    const outcome =
      action === "cancel"
        ? await cancel(fleet, productId, job.id, reason === undefined ? {} : { reason })
        : await redrive(fleet, productId, job.id, {});
    if (outcome.kind === "cancelled" || outcome.kind === "redriven") done.changed++;
    else done.refused++;
  }
  const more = page.more || last !== page.value.at(-1);
  return { ...done, next: more && last !== undefined ? [last.createdAt, last.id] : undefined };
}

/** What the list's own filter does not ask. */
function passes(job: Job, { action, filter }: BulkRequest): boolean {
  if (filter.olderThan !== undefined && job.createdAt >= filter.olderThan) return false;
  return action === "cancel"
    ? !isFinalStage(job.stage)
    : (job.stage === "failed" || job.stage === "dead_letter") && !isTombstone(job);
}
