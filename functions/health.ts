import { z } from "zod";
import { Problem } from "./http/answer.js";
import type { OpenRoute } from "./http/route.js";

/** How long the store may take, in milliseconds. The contract's number. */
const STORE_MS_MAX = 2000;

/** GET /fleet/health */
export const health: OpenRoute = {
  name: "health",
  method: "GET",
  path: "/fleet/health",
  role: "anyone",
  summary: "Whether the coordinator and its store answer",
  answers: { 200: { description: "They do.", body: z.object({ status: z.literal("ok") }) } },
  refusals: [],
  handle: async ({ fleet, pause }) => {
    const answered = fleet().then(async ({ store }) => {
      await store.ping();
      return true;
    });
    const inTime = await Promise.race([answered, pause(STORE_MS_MAX).then(() => false)]);
    if (inTime) return { status: 200, body: { status: "ok" } };
    return new Problem("store_unavailable", "The store did not answer in 2 s.", {
      headers: { "retry-after": "1" },
    });
  },
};
