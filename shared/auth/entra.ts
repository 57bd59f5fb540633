/**
 * Access tokens of Microsoft Entra ID. What lets a token in, all of it:
 *
 * - signed with RS256, by a key that the tenant's authority publishes; no other algorithm is looked at,
 *   so neither `none` nor a public key used as a shared secret gets anywhere;
 * - issued by this tenant (`iss` and `tid`): all tenants share the authority's keys;
 * - for this audience, and within its time, give or take `SKEW_SECONDS`;
 * - for a client (`azp`, in version 1 `appid`): an ID token has none, and the same issuer, key and audience.
 *
 * Tokens of version 1 pass too. An app registration gives them unless it is told otherwise, and they say the
 * same under another issuer's name.
 *
 * What it then may do is in its app roles alone. A role that we don't know grants nothing.
 */
import {
  JOSEError,
  JWKSNoMatchingKey,
  JWSSignatureVerificationFailed,
  JWTClaimValidationFailed,
  JWTExpired,
} from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import type { Clock } from "../core/ports/runtime.js";
import { id } from "../schema/primitives.js";
import type { Caller, Issuer, Role, TokenOutcome, TokenRefusal, Tokens } from "./callers.js";
import { RETRY_GAP_MS, issuerKeys } from "./issuer-keys.js";

/** Of the token's times against our clock: Entra's and ours are both kept by NTP. */
const SKEW_SECONDS = 60;
/** Far above any that Entra makes, and the most that the platform's headers carry. */
const TOKEN_CHARS_MAX = 16 * 1024;

const ROLES: ReadonlyMap<unknown, Role> = new Map([
  ["Fleet.Submit", "submit"],
  ["Fleet.Factory", "factory"],
  ["Fleet.Read", "read"],
  ["Fleet.Admin", "admin"],
]);
const PRODUCT = "Fleet.Product.";

/** Tokens of one tenant for one audience. Reaches out to nobody before the first token. */
export function entraTokens({ tenantId, audience, authority }: Issuer, clock: Clock): Tokens {
  const tenant = `${authority}/${tenantId}`;
  const findKey = issuerKeys(new URL(`${tenant}/discovery/v2.0/keys`), clock);
  const required = {
    algorithms: ["RS256"],
    issuer: [`${tenant}/v2.0`, `https://sts.windows.net/${tenantId}/`],
    audience,
    requiredClaims: ["exp"],
    clockTolerance: SKEW_SECONDS,
  };
  return {
    check: async (token) => {
      if (token.length > TOKEN_CHARS_MAX) return { kind: "refused", why: "malformed" };
      try {
        const currentDate = new Date(clock.now());
        const { payload } = await jwtVerify(token, findKey, { ...required, currentDate });
        return judge(payload, tenantId);
      } catch (error) {
        if (error instanceof JOSEError) return { kind: "refused", why: reasonOf(error) };
        // The keys are at fault, so nothing is known of the token.
        return { kind: "unchecked", retryAfterSeconds: RETRY_GAP_MS / 1000, cause: error };
      }
    },
  };
}

type Claims = Readonly<Record<string, unknown>>;

/** What a genuine token says of its bearer. */
function judge(claims: Claims, tenantId: string): TokenOutcome {
  if (claims["tid"] !== tenantId) return { kind: "refused", why: "wrong_issuer" };
  const client = claims["azp"] ?? claims["appid"];
  if (typeof client !== "string" || client === "") return { kind: "refused", why: "no_access_token" };
  const roles = Array.isArray(claims["roles"]) ? (claims["roles"] as unknown[]) : [];
  return { kind: "known", caller: { name: nameOf(claims["oid"] ?? client), ...grantsOf(roles) } };
}

/** The object that signed in, a person or a service; else the client. What would not be safe in a log is left out. */
function nameOf(who: unknown): string {
  const name = id.safeParse(typeof who === "string" ? `entra:${who}` : who);
  return name.success ? name.data : "entra";
}

function grantsOf(given: readonly unknown[]): Pick<Caller, "roles" | "products"> {
  const products = given.flatMap((role) => {
    if (typeof role !== "string" || !role.startsWith(PRODUCT)) return [];
    // `*`, which means every product elsewhere, is no id.
    const product = id.safeParse(role.slice(PRODUCT.length));
    return product.success ? [product.data] : [];
  });
  return { roles: given.flatMap((role) => ROLES.get(role) ?? []), products };
}

function reasonOf(error: JOSEError): TokenRefusal {
  if (error instanceof JWTExpired) return "expired";
  if (error instanceof JWSSignatureVerificationFailed) return "bad_signature";
  if (error instanceof JWKSNoMatchingKey) return "bad_signature";
  if (!(error instanceof JWTClaimValidationFailed) || error.reason !== "check_failed") return "malformed";
  const byClaim: Readonly<Record<string, TokenRefusal>> = {
    nbf: "not_yet_valid",
    aud: "wrong_audience",
    iss: "wrong_issuer",
  };
  return byClaim[error.claim] ?? "malformed";
}
