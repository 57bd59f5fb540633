import { z } from "zod";
import { putProfile as put } from "../shared/core/profiles.js";
import { nameParams, profileRequest } from "../shared/schema/requests.js";
import { wireProfile, toWireProfile } from "../shared/schema/wire.js";
import { Problem } from "./http/answer.js";
import { defineRoute } from "./http/route.js";
import { validate } from "./http/validate.js";

const answer = (outcome: string) => z.object({ outcome: z.literal(outcome), profile: wireProfile });

/** PUT /fleet/profiles/{name} */
export const putProfile = defineRoute({
  name: "put-profile",
  method: "PUT",
  path: "/fleet/profiles/{name}",
  role: "admin",
  summary: "Make the next version of a profile, unless one has this content already",
  // Here a name that can't be one is a mistake to be told of: elsewhere it names nothing.
  params: z.strictObject({ name: z.string() }),
  body: profileRequest,
  answers: {
    201: { description: "It is the latest version now.", body: answer("created") },
    200: {
      description: "A version, not always the latest, has this content: that one.",
      body: answer("existing"),
    },
  },
  refusals: [],
  handle: async ({ fleet, productId, params, body }) => {
    const named = validate(nameParams, params);
    if (named instanceof Problem) return named;
    const { kind, profile } = await put(fleet, productId, named.name, body.snapshot);
    return {
      status: kind === "created" ? 201 : 200,
      body: { outcome: kind, profile: toWireProfile(profile) },
    };
  },
});
