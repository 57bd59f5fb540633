import { readStats } from "../shared/core/stats.js";
import { stats as statsSchema } from "../shared/schema/wire.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/stats */
export const stats = defineRoute({
  name: "stats",
  method: "GET",
  path: "/fleet/stats",
  role: "read",
  summary: "The product at a glance",
  answers: { 200: { description: "Counts, ages, and what the queue asks for.", body: statsSchema } },
  refusals: [],
  handle: async ({ fleet, productId }) => ({ status: 200, body: await readStats(fleet, productId) }),
});
