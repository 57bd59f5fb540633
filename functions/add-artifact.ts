import { z } from "zod";
import { addArtifact as add } from "../shared/core/add-artifact.js";
import { artifactRequest, idParams } from "../shared/schema/requests.js";
import { wireArtifact, wireUpload } from "../shared/schema/wire-artifact.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** POST /fleet/jobs/{id}/artifacts */
export const addArtifact = defineRoute({
  name: "add-artifact",
  method: "POST",
  path: "/fleet/jobs/{id}/artifacts",
  role: "factory",
  summary: "The holder registers an artifact, and is told where to upload it",
  params: idParams,
  body: artifactRequest,
  key: "operation",
  answers: {
    201: {
      description: "It is registered. The same again answers the same artifact, and a new URL.",
      body: z.object({ artifact: wireArtifact, upload: wireUpload }),
    },
  },
  refusals: ["not_found", "stale_lease", "not_holder", "lease_not_held", "idempotency_conflict"],
  handle: async ({ fleet, productId, params, body, key }) => {
    const { factoryId, leaseEpoch } = body;
    const asked = { operation: "artifact", productId, jobId: params.id, factoryId, leaseEpoch } as const;
    return answerTo(fleet, asked, await add(fleet, productId, params.id, body, key));
  },
});
