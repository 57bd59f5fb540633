import { z } from "zod";
import { redrive } from "../shared/core/redrive.js";
import { idParams, redriveRequest } from "../shared/schema/requests.js";
import { wireJob } from "../shared/schema/wire.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** POST /fleet/jobs/{id}/redrive */
export const redriveJob = defineRoute({
  name: "redrive-job",
  method: "POST",
  path: "/fleet/jobs/{id}/redrive",
  role: "submit",
  summary: "Put a failed job back into the queue, with all its attempts and perhaps a larger budget",
  params: idParams,
  body: redriveRequest,
  bodyMayBeAbsent: true,
  key: "operation",
  answers: { 200: { description: "It waits again.", body: z.object({ job: wireJob }) } },
  refusals: ["not_found", "illegal_transition", "idempotency_conflict"],
  handle: async ({ fleet, productId, params, body, key }) => {
    const asked = { operation: "redrive", productId, jobId: params.id } as const;
    return answerTo(fleet, asked, await redrive(fleet, productId, params.id, body, key));
  },
});
