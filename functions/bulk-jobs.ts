import { z } from "zod";
import { bulk } from "../shared/core/bulk.js";
import { resolveName } from "../shared/core/content.js";
import { bulkRequest } from "../shared/schema/requests.js";
import { Problem } from "./http/answer.js";
import { jobCursor, readCursor, toCursor } from "./http/paging.js";
import { answerTo } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

const count = z.int().min(0);

/** POST /fleet/jobs/bulk */
export const bulkJobs = defineRoute({
  name: "bulk-jobs",
  method: "POST",
  path: "/fleet/jobs/bulk",
  role: "submit",
  summary: "Cancel or redrive the jobs that pass a filter, a bounded number per call",
  body: bulkRequest,
  answers: {
    200: {
      description: "What this call did. Call again with `continuation` until there is none.",
      body: z.object({
        matched: count,
        changed: count,
        refused: count,
        continuation: z.string().optional(),
      }),
      headers: z.object({
        "Retry-After": z.string().optional().meta({ description: "Where the queue had no room for more." }),
      }),
    },
  },
  refusals: [],
  handle: async ({ fleet, productId, body }) => {
    const after = readCursor(jobCursor, body.continuation, "continuation");
    if (after instanceof Problem) return after;
    const parentId = body.filter.parentId && resolveName(productId, body.filter.parentId);
    const request = { ...body, filter: { ...body.filter, parentId } };
    const { next, full, ...counts } = await bulk(fleet, productId, request, after);
    if (full !== undefined && counts.changed === 0)
      return answerTo(fleet, { operation: body.action, productId }, full);
    return {
      status: 200,
      body: { ...counts, continuation: next && toCursor(next) },
      ...(full === undefined ? {} : { headers: { "retry-after": String(full.retryAfterSeconds) } }),
    };
  },
});
