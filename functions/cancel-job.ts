import { z } from "zod";
import { cancel } from "../shared/core/cancel.js";
import { cancelRequest, idParams } from "../shared/schema/requests.js";
import { wireJob } from "../shared/schema/wire.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** POST /fleet/jobs/{id}/cancel */
export const cancelJob = defineRoute({
  name: "cancel-job",
  method: "POST",
  path: "/fleet/jobs/{id}/cancel",
  role: "submit",
  summary: "End an open job; its holder is fenced off and told so",
  params: idParams,
  body: cancelRequest,
  bodyMayBeAbsent: true,
  key: "operation",
  answers: { 200: { description: "It is cancelled.", body: z.object({ job: wireJob }) } },
  refusals: ["not_found", "illegal_transition", "idempotency_conflict"],
  handle: async ({ fleet, productId, params, body, key }) => {
    const asked = { operation: "cancel", productId, jobId: params.id } as const;
    return answerTo(fleet, asked, await cancel(fleet, productId, params.id, body, key));
  },
});
