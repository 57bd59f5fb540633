import { readEvents } from "../shared/core/read-events.js";
import { eventListQuery, idParams } from "../shared/schema/requests.js";
import { wireEvent } from "../shared/schema/wire.js";
import { notFound } from "./http/outcomes.js";
import { linkTo, pageOf } from "./http/paging.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/jobs/{id}/events */
export const listEvents = defineRoute({
  name: "list-events",
  method: "GET",
  path: "/fleet/jobs/{id}/events",
  role: "read",
  summary: "What happened to a job, in order and without a gap",
  params: idParams,
  query: eventListQuery,
  answers: { 200: { description: "One page.", body: pageOf(wireEvent) } },
  refusals: ["not_found"],
  handle: async ({ fleet, productId, params, query }) => {
    // The job first: its events are partitioned by job, and would be found under any product.
    const job = (await fleet.jobs.get(productId, params.id))?.doc;
    if (job === undefined) return notFound();
    const { value, more } = await readEvents(fleet, job, query.after, query.limit);
    const last = value.at(-1);
    const nextLink =
      more && last !== undefined
        ? linkTo(`/fleet/jobs/${encodeURIComponent(job.id)}/events`, { after: last.seq, limit: query.limit })
        : undefined;
    return { status: 200, body: { value, nextLink } };
  },
});
