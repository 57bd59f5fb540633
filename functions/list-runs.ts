import type { Fleet } from "../shared/core/fleet.js";
import { withSnapshot, withWhatTheJobKnows } from "../shared/core/run-history.js";
import { isTombstone } from "../shared/core/tombstone.js";
import type { Job } from "../shared/schema/job.js";
import { idParams, pageQuery } from "../shared/schema/requests.js";
import type { Run } from "../shared/schema/run.js";
import { toWireRun, wireRun } from "../shared/schema/wire.js";
import { Problem } from "./http/answer.js";
import { notFound } from "./http/outcomes.js";
import { linkTo, pageOf, readCursor, runCursor, toCursor } from "./http/paging.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/jobs/{id}/runs */
export const listRuns = defineRoute({
  name: "list-runs",
  method: "GET",
  path: "/fleet/jobs/{id}/runs",
  role: "read",
  summary: "Who worked on a job, oldest first",
  params: idParams,
  query: pageQuery,
  answers: { 200: { description: "One page.", body: pageOf(wireRun) } },
  refusals: ["not_found"],
  handle: async ({ fleet, productId, params, query }) => {
    const after = readCursor(runCursor, query.cursor);
    if (after instanceof Problem) return after;
    // The job first: its runs are partitioned by job, and would be found under any product.
    const job = (await fleet.jobs.get(productId, params.id))?.doc;
    if (job === undefined) return notFound();
    const page = await readPage(fleet, job, after?.[0] ?? 0, query.limit);
    const last = page.value.at(-1);
    const nextLink =
      page.more && last !== undefined
        ? linkTo(`/fleet/jobs/${encodeURIComponent(job.id)}/runs`, {
            limit: query.limit,
            cursor: toCursor([last.leaseEpoch]),
          })
        : undefined;
    return { status: 200, body: { value: page.value.map(toWireRun), nextLink } };
  },
});

/**
 * One page of stored runs, with what the job knows of the epochs that this page covers: from behind
 * `afterEpoch` to its last run, or to the end. So each run is on one page, whatever the job adds.
 */
async function readPage(
  fleet: Fleet,
  job: Job,
  afterEpoch: number,
  limit: number,
): Promise<{ value: Run[]; more: boolean }> {
  // None at once, as of its events: retention may still be at it.
  if (isTombstone(job)) return { value: [], more: false };
  const stored = await fleet.runs.list(job.id, limit, afterEpoch);
  const lastEpoch = stored.more ? (stored.value.at(-1)?.leaseEpoch ?? 0) : Infinity;
  const covered = withWhatTheJobKnows(stored.value, job).filter(
    (run) => run.leaseEpoch > afterEpoch && run.leaseEpoch <= lastEpoch,
  );
  // Those that are not stored yet name their profile alone: a few at most, whatever the page.
  const value = await Promise.all(covered.slice(0, limit).map((run) => withSnapshot(fleet, run)));
  return { value, more: stored.more || covered.length > limit };
}
