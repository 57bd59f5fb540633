import { z } from "zod";
import { isOwned } from "../shared/core/advance.js";
import { countChildren } from "../shared/core/children.js";
import { idParams } from "../shared/schema/requests.js";
import { childrenSummary, toWireJob, toWireLease, wireJob, wireLease } from "../shared/schema/wire.js";
import { entityTag, matches } from "./http/etag.js";
import { notFound } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

const shown = wireJob.extend({
  lease: wireLease.optional(),
  children: childrenSummary.optional().meta({ description: "Of a composite." }),
});
const headers = z.object({ ETag: z.string().meta({ description: "Opaque; for If-None-Match." }) });

/** GET /fleet/jobs/{id} */
export const getJob = defineRoute({
  name: "get-job",
  method: "GET",
  path: "/fleet/jobs/{id}",
  role: "read",
  summary: "One job, with its lease while a factory owns it, and where a composite's children are",
  params: idParams,
  answers: {
    200: { description: "The job.", body: shown, headers },
    304: { description: "It is as If-None-Match has it.", headers },
  },
  refusals: ["not_found"],
  handle: async ({ fleet, productId, params, headers }) => {
    const job = await fleet.jobs.get(productId, params.id);
    if (job === undefined) return notFound();
    const found = isOwned(job.doc) ? await fleet.leases.get(job.doc.id, job.doc.id) : undefined;
    // The lease follows the job: one of another epoch, or revoked, says nothing of this owner.
    const holds = found?.doc.status === "held" && found.doc.leaseEpoch === job.doc.leaseEpoch;
    const lease = holds ? found : undefined;
    const children = job.doc.kind === "composite" ? await countChildren(fleet, job.doc) : undefined;
    // A child that moves changes what is shown here, and no document of this job.
    const etag = entityTag(job.etag, lease?.etag, children && JSON.stringify(children));
    // Kept, but asked for each time: that is what the tag is for.
    const kept = { etag, "cache-control": "private, no-cache" };
    if (matches(headers.get("if-none-match"), etag)) return { status: 304, headers: kept };
    const body = {
      ...toWireJob(job.doc),
      ...(lease === undefined ? {} : { lease: toWireLease(lease.doc, fleet.clock.now()) }),
      ...(children === undefined ? {} : { children }),
    };
    return { status: 200, headers: kept, body };
  },
});
