import { z } from "zod";
import { renew } from "../shared/core/renew.js";
import { idParams, renewRequest } from "../shared/schema/requests.js";
import { directive, wireLease } from "../shared/schema/wire.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** POST /fleet/jobs/{id}/lease/renew */
export const renewLease = defineRoute({
  name: "renew-lease",
  method: "POST",
  path: "/fleet/jobs/{id}/lease/renew",
  role: "factory",
  summary: "The holder goes on holding",
  params: idParams,
  body: renewRequest,
  answers: {
    200: { description: "The lease from now on.", body: z.object({ lease: wireLease, directive }) },
  },
  refusals: ["not_found", "stale_lease", "not_holder", "lease_not_held"],
  handle: async ({ fleet, productId, params, body }) => {
    const { factoryId, leaseEpoch } = body;
    const asked = { operation: "renew", productId, jobId: params.id, factoryId, leaseEpoch } as const;
    return answerTo(fleet, asked, await renew(fleet, productId, params.id, body));
  },
});
