import { profileListQuery } from "../shared/schema/requests.js";
import { wireProfileVersion } from "../shared/schema/wire.js";
import { Problem } from "./http/answer.js";
import { linkTo, pageOf, profileCursor, readCursor, toCursor } from "./http/paging.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/profiles */
export const listProfiles = defineRoute({
  name: "list-profiles",
  method: "GET",
  path: "/fleet/profiles",
  role: "read",
  summary: "Every version of every profile, or of one, by name and number, without what they hold",
  query: profileListQuery,
  answers: { 200: { description: "One page.", body: pageOf(wireProfileVersion) } },
  refusals: [],
  handle: async ({ fleet, productId, query }) => {
    const after = readCursor(profileCursor, query.cursor);
    if (after instanceof Problem) return after;
    const page = await fleet.profiles.list(productId, query.name, query.limit, after);
    const last = page.value.at(-1);
    const nextLink =
      page.more && last !== undefined
        ? linkTo("/fleet/profiles", { ...query, cursor: toCursor([last.name, last.version]) })
        : undefined;
    return { status: 200, body: { value: page.value, nextLink } };
  },
});
