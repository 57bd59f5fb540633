import { z } from "zod";
import { claim as claimJob } from "../shared/core/claim.js";
import { claimRequest } from "../shared/schema/requests.js";
import { EMPTY_CLAIM_REASONS, wireJob, wireLease, wireRun } from "../shared/schema/wire.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

const granted = z.object({ job: wireJob, lease: wireLease, run: wireRun });
const empty = z.object({
  job: z.null(),
  reason: z.enum(EMPTY_CLAIM_REASONS),
  retryAfterSeconds: z.number().min(0),
  missing: z
    .array(z.string())
    .optional()
    .meta({ description: "With no_matching_capabilities: what waiting jobs ask for most often." }),
});

/** POST /fleet/claim */
export const claim = defineRoute({
  name: "claim",
  method: "POST",
  path: "/fleet/claim",
  role: "factory",
  summary: "Take the first job of the queue that this factory can do",
  body: claimRequest,
  key: { property: "claimId" },
  answers: {
    200: {
      description: "One job for this factory alone, or the reason why there is none.",
      body: z.union([granted, empty]),
      headers: z.object({
        "Retry-After": z.string().optional().meta({ description: "Where there is none." }),
      }),
    },
  },
  refusals: ["factory_not_registered", "factory_unavailable"],
  handle: async ({ fleet, productId, body }) =>
    answerTo(
      fleet,
      { operation: "claim", productId, factoryId: body.factoryId },
      await claimJob(fleet, productId, body),
    ),
});
