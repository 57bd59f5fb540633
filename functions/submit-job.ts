import { z } from "zod";
import { submit } from "../shared/core/submit.js";
import { submission } from "../shared/schema/requests.js";
import { wireJob } from "../shared/schema/wire.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

const answer = (outcomes: readonly string[]) => z.object({ outcome: z.enum(outcomes), job: wireJob });

/** POST /fleet/jobs */
export const submitJob = defineRoute({
  name: "submit-job",
  method: "POST",
  path: "/fleet/jobs",
  role: "submit",
  summary: "Submit a job, once per idempotency key",
  body: submission,
  key: { property: "idempotencyKey" },
  answers: {
    201: { description: "The job was created.", body: answer(["created"]) },
    200: {
      description:
        "The key named a job already. existing: with this content. superseded: it has this content now. " +
        "outdated: this content was superseded earlier, and changed nothing.",
      body: answer(["existing", "superseded", "outdated"]),
    },
  },
  refusals: ["idempotency_conflict", "dependency_cycle", "dependency_order", "unknown_dependency"],
  handle: async ({ fleet, productId, body }) =>
    answerTo(fleet, { operation: "submit", productId }, await submit(fleet, productId, body)),
});
