import { artifactId } from "../shared/core/artifact-pointers.js";
import { listArtifacts as list } from "../shared/core/list-artifacts.js";
import { idParams, pageQuery } from "../shared/schema/requests.js";
import { toWireArtifact, wireArtifact } from "../shared/schema/wire-artifact.js";
import { Problem } from "./http/answer.js";
import { notFound } from "./http/outcomes.js";
import { artifactCursor, linkTo, pageOf, readCursor, toCursor } from "./http/paging.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/jobs/{id}/artifacts */
export const listArtifacts = defineRoute({
  name: "list-artifacts",
  method: "GET",
  path: "/fleet/jobs/{id}/artifacts",
  role: "read",
  summary: "What the runs of a job left behind, by epoch and name",
  params: idParams,
  query: pageQuery,
  answers: { 200: { description: "One page.", body: pageOf(wireArtifact) } },
  refusals: ["not_found"],
  handle: async ({ fleet, productId, params, query }) => {
    const place = readCursor(artifactCursor, query.cursor);
    if (place instanceof Problem) return place;
    // The job first: its artifacts are partitioned by job, and would be found under any product.
    const job = (await fleet.jobs.get(productId, params.id))?.doc;
    if (job === undefined) return notFound();
    const [leaseEpoch, name] = place ?? [0, ""];
    const after = place && { leaseEpoch, id: artifactId(job.id, leaseEpoch, name) };
    const { value, more } = await list(fleet, job, query.limit, after);
    const last = value.at(-1)?.artifact;
    const nextLink =
      more && last !== undefined
        ? linkTo(`/fleet/jobs/${encodeURIComponent(job.id)}/artifacts`, {
            limit: query.limit,
            cursor: toCursor([last.leaseEpoch, last.name]),
          })
        : undefined;
    const shown = value.map(({ artifact, found, download }) => toWireArtifact(artifact, found, download));
    return { status: 200, body: { value: shown, nextLink } };
  },
});
