import { isStale } from "../shared/core/heartbeat.js";
import { idParams } from "../shared/schema/requests.js";
import { toWireFactory, wireFactory } from "../shared/schema/wire.js";
import { notFound } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/factories/{id} */
export const getFactory = defineRoute({
  name: "get-factory",
  method: "GET",
  path: "/fleet/factories/{id}",
  role: "read",
  summary: "One factory, as it last described itself",
  params: idParams,
  answers: { 200: { description: "The factory.", body: wireFactory } },
  refusals: ["not_found"],
  handle: async ({ fleet, productId, params }) => {
    const factory = (await fleet.factories.get(productId, params.id))?.doc;
    if (factory === undefined) return notFound();
    return { status: 200, body: toWireFactory(factory, isStale(fleet, factory)) };
  },
});
