import { isStale } from "../shared/core/heartbeat.js";
import { pageQuery } from "../shared/schema/requests.js";
import { toWireFactory, wireFactory } from "../shared/schema/wire.js";
import { Problem } from "./http/answer.js";
import { factoryCursor, linkTo, pageOf, readCursor, toCursor } from "./http/paging.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/factories */
export const listFactories = defineRoute({
  name: "list-factories",
  method: "GET",
  path: "/fleet/factories",
  role: "read",
  summary: "The product's factories, by id",
  query: pageQuery,
  answers: { 200: { description: "One page.", body: pageOf(wireFactory) } },
  refusals: [],
  handle: async ({ fleet, productId, query }) => {
    const after = readCursor(factoryCursor, query.cursor);
    if (after instanceof Problem) return after;
    const page = await fleet.factories.list(productId, query.limit, after?.[0]);
    const last = page.value.at(-1);
    const nextLink =
      page.more && last !== undefined
        ? linkTo("/fleet/factories", { limit: query.limit, cursor: toCursor([last.id]) })
        : undefined;
    const value = page.value.map((factory) => toWireFactory(factory, isStale(fleet, factory)));
    return { status: 200, body: { value, nextLink } };
  },
});
