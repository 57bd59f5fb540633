import { resolveName } from "../shared/core/content.js";
import type { Fleet } from "../shared/core/fleet.js";
import type { Job } from "../shared/schema/job.js";
import { jobListQuery } from "../shared/schema/requests.js";
import type { JobListQuery } from "../shared/schema/requests.js";
import { toWireJob, wireJob } from "../shared/schema/wire.js";
import { Problem } from "./http/answer.js";
import { badCursor, jobCursor, linkTo, pageOf, readCursor, toCursor } from "./http/paging.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/jobs */
export const listJobs = defineRoute({
  name: "list-jobs",
  method: "GET",
  path: "/fleet/jobs",
  role: "read",
  summary: "The product's jobs, newest first",
  query: jobListQuery,
  answers: { 200: { description: "One page.", body: pageOf(wireJob) } },
  refusals: [],
  handle: async ({ fleet, productId, query: given }) => {
    const parentId = given.parentId && resolveName(productId, given.parentId);
    const query: JobListQuery = { ...given, parentId };
    const after = readCursor(jobCursor, query.cursor);
    if (after instanceof Problem) return after;
    if (query.idempotencyKey !== undefined) {
      // At most one job has the key, so no page of this list ever had a next one.
      if (after !== undefined) return badCursor();
      return { status: 200, body: { value: await byKey(fleet, productId, query.idempotencyKey, query) } };
    }
    const page = await fleet.jobs.list(productId, query, query.limit, after);
    const last = page.value.at(-1);
    const nextLink =
      page.more && last !== undefined
        ? linkTo("/fleet/jobs", { ...query, cursor: toCursor([last.createdAt, last.id]) })
        : undefined;
    return { status: 200, body: { value: page.value.map(toWireJob), nextLink } };
  },
});

async function byKey(fleet: Fleet, productId: string, key: string, filter: JobListQuery) {
  const job = (await fleet.jobs.getByKey(productId, key))?.doc;
  return job !== undefined && passes(job, filter) ? [toWireJob(job)] : [];
}

function passes(job: Job, { stage, parentId }: JobListQuery): boolean {
  return (stage ?? job.stage) === job.stage && (parentId ?? job.parentId) === job.parentId;
}
