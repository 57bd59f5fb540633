/** Whose access tokens are believed: a tenant of Microsoft Entra ID, and the audience that they must be for. */
import { z } from "zod";
import type { Issuer } from "./auth/callers.js";
import { text } from "./settings-text.js";

/** What every registration in Azure's public cloud has. */
const PUBLIC_CLOUD = "https://login.microsoftonline.com";
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** A name such as `common` would stand for every tenant there is. */
const tenantId = text(GUID, "must be the tenant's id, a GUID").transform((guid) => guid.toLowerCase());
const audience = text(
  /^[A-Za-z0-9][A-Za-z0-9:/._~-]{0,254}$/,
  "must be the application's id, or its id URI such as api://<id>",
);
/** Keys that came over plain http would be anybody's; on this machine alone there is no way between. */
const authority = text(
  /^(?:https:\/\/[^/?#@\s]+|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?)\/?$/,
  "must be the https URL of a sign-in host, without a path",
).refine((given) => URL.canParse(given), { error: "must be a URL", abort: true });

/** The first two together or not at all: tokens for any audience would be those for any other application. */
export const entra = z
  .object({
    ENTRA_TENANT_ID: tenantId.optional(),
    ENTRA_AUDIENCE: audience.optional(),
    ENTRA_AUTHORITY: authority.optional(),
  })
  .superRefine((given, context) => {
    const names = ["ENTRA_TENANT_ID", "ENTRA_AUDIENCE", "ENTRA_AUTHORITY"] as const;
    const set = names.find((name) => given[name] !== undefined);
    if (set === undefined) return;
    for (const name of ["ENTRA_TENANT_ID", "ENTRA_AUDIENCE"] as const) {
      if (given[name] !== undefined) continue;
      context.addIssue({ code: "custom", path: [name], message: `is not set, but ${set} is` });
    }
  });

/** What was set, as `Settings` has it. */
export function entraOf(given: z.infer<typeof entra>): { entra?: Issuer } {
  const { ENTRA_TENANT_ID: tenantId, ENTRA_AUDIENCE: audience, ENTRA_AUTHORITY: authority } = given;
  if (tenantId === undefined || audience === undefined) return {};
  return { entra: { tenantId, audience, authority: (authority ?? PUBLIC_CLOUD).replace(/\/$/, "") } };
}
