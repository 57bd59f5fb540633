import { readProfile } from "../shared/core/profiles.js";
import { nameParams, profileQuery } from "../shared/schema/requests.js";
import { toWireProfile, wireProfile } from "../shared/schema/wire.js";
import { notFound } from "./http/outcomes.js";
import { defineRoute } from "./http/route.js";

/** GET /fleet/profiles/{name} */
export const getProfile = defineRoute({
  name: "get-profile",
  method: "GET",
  path: "/fleet/profiles/{name}",
  role: "read",
  summary: "A profile's latest version, or the one that is asked for",
  params: nameParams,
  query: profileQuery,
  answers: { 200: { description: "The version.", body: wireProfile } },
  refusals: ["not_found"],
  handle: async ({ fleet, productId, params, query }) => {
    const profile = await readProfile(fleet, productId, params.name, query.version);
    return profile === undefined ? notFound() : { status: 200, body: toWireProfile(profile) };
  },
});
