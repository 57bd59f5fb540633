import { z } from "zod";
import { submitBatch as submitAll } from "../shared/core/batch.js";
import { batchRequest } from "../shared/schema/requests.js";
import { wireJob } from "../shared/schema/wire.js";
import { toRefusal, toResults } from "./http/batch-answers.js";
import { defineRoute } from "./http/route.js";

const accepted = z.object({
  outcome: z.enum(["created", "existing", "superseded", "outdated"]),
  job: wireJob,
});
const failed = z.object({
  error: z.object({
    status: z.int(),
    code: z.string().meta({ description: "What the entry alone would be told, or what hindered it." }),
    detail: z.string(),
  }),
});

/** POST /fleet/jobs/batch */
export const submitBatch = defineRoute({
  name: "submit-batch",
  method: "POST",
  path: "/fleet/jobs/batch",
  role: "submit",
  summary:
    "Submit jobs that may depend on one another by key: all that is wrong is told before any is written",
  body: batchRequest,
  entries: "jobs",
  answers: {
    200: {
      description:
        "One result for each entry, in the order given. An error is what came between, or a failing store: " +
        "what is done stays, and the same batch sent again completes the rest.",
      body: z.object({ results: z.array(z.union([accepted, failed])) }),
      headers: z.object({
        "Retry-After": z.string().optional().meta({ description: "Where the store failed." }),
      }),
    },
  },
  refusals: ["idempotency_conflict", "dependency_cycle", "dependency_order", "unknown_dependency"],
  handle: async ({ fleet, productId, body }) => {
    const batched = await submitAll(fleet, productId, body.jobs);
    return batched.kind === "refused"
      ? toRefusal(fleet, productId, batched)
      : toResults(fleet, productId, batched.results);
  },
});
