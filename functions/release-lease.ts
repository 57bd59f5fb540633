import { z } from "zod";
import { release } from "../shared/core/release.js";
import { idParams, releaseRequest } from "../shared/schema/requests.js";
import { directive, wireJob, wireLease } from "../shared/schema/wire.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** POST /fleet/jobs/{id}/lease/release */
export const releaseLease = defineRoute({
  name: "release-lease",
  method: "POST",
  path: "/fleet/jobs/{id}/lease/release",
  role: "factory",
  summary: "The holder gives the unfinished job back; the attempt is not counted",
  params: idParams,
  body: releaseRequest,
  key: "operation",
  answers: {
    200: {
      description: "The job is back in the queue; or over, where its last report exhausted the budget.",
      body: z.object({ job: wireJob, lease: wireLease.optional(), directive }),
    },
  },
  refusals: ["not_found", "stale_lease", "not_holder", "lease_not_held", "idempotency_conflict"],
  handle: async ({ fleet, productId, params, body, key }) => {
    const { factoryId, leaseEpoch } = body;
    const asked = { operation: "release", productId, jobId: params.id, factoryId, leaseEpoch } as const;
    return answerTo(fleet, asked, await release(fleet, productId, params.id, body, key));
  },
});
