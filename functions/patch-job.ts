import { z } from "zod";
import { patch } from "../shared/core/patch.js";
import { idParams, patchRequest } from "../shared/schema/requests.js";
import { directive, wireJob } from "../shared/schema/wire.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** PATCH /fleet/jobs/{id} */
export const patchJob = defineRoute({
  name: "patch-job",
  method: "PATCH",
  path: "/fleet/jobs/{id}",
  role: "factory",
  summary: "The holder reports progress, or the end",
  params: idParams,
  body: patchRequest,
  key: "operation",
  answers: { 200: { description: "It counts.", body: z.object({ job: wireJob, directive }) } },
  refusals: [
    "not_found",
    "stale_lease",
    "not_holder",
    "lease_not_held",
    "illegal_transition",
    "idempotency_conflict",
  ],
  handle: async ({ fleet, productId, params, body, key }) => {
    const { factoryId, leaseEpoch } = body;
    const asked = { operation: "patch", productId, jobId: params.id, factoryId, leaseEpoch } as const;
    return answerTo(fleet, asked, await patch(fleet, productId, params.id, body, key));
  },
});
