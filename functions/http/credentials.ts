/** Who calls, and what they may do: API keys, of which only hashes are known, and access tokens. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpRequest } from "@azure/functions";
import type { Caller, Role, TokenRefusal, Tokens } from "../../shared/auth/callers.js";
import type { Log } from "../../shared/core/ports/runtime.js";
import { id } from "../../shared/schema/primitives.js";
import { Problem } from "./answer.js";
import { describe } from "./failures.js";

/** A key that may call. */
export interface Credential extends Caller {
  /** 64 hex digits over the key's UTF-8 bytes. */
  readonly sha256: string;
}

/** By what a caller is known. */
export interface Known {
  readonly credentials: readonly Credential[];
  /** Absent: access tokens are off. */
  readonly tokens?: Tokens;
}

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;
/** A signed token in its compact form. An API key of ours has no dots. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * Who sends the request. Of keys, every entry is compared, each in constant time, so that how long it
 * takes tells nothing of how close a guess came. What is no key and looks like a token is checked as one.
 */
export async function authenticate(
  request: HttpRequest,
  { credentials, tokens }: Known,
  log: Log,
): Promise<Caller | Problem> {
  const given = BEARER.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === undefined) return unauthenticated("Send the header Authorization: Bearer <key>.");
  const hash = createHash("sha256").update(given, "utf8").digest();
  const [found] = credentials.filter((entry) => timingSafeEqual(Buffer.from(entry.sha256, "hex"), hash));
  if (found !== undefined) return found;
  if (tokens === undefined || !TOKEN.test(given)) return unauthenticated("The key is not known.");
  const outcome = await tokens.check(given);
  switch (outcome.kind) {
    case "known":
      return outcome.caller;
    case "refused":
      return unauthenticated(REFUSALS[outcome.why], 'Bearer error="invalid_token"');
    case "unchecked":
      log.warn(`a token can't be checked: ${describe(outcome.cause)}`);
      return unchecked(outcome.retryAfterSeconds);
  }
}

const REFUSALS: Readonly<Record<TokenRefusal, string>> = {
  malformed: "The token can't be read, or lacks a claim.",
  bad_signature: "The token is not signed with a key of its issuer.",
  wrong_issuer: "The token is of another issuer or tenant.",
  wrong_audience: "The token is for another audience.",
  expired: "The token has expired.",
  not_yet_valid: "The token is not valid yet.",
  no_access_token: "The token is no access token.",
};

function unauthenticated(detail: string, challenge = "Bearer"): Problem {
  return new Problem("unauthenticated", detail, { headers: { "www-authenticate": challenge } });
}

/**
 * Not 401, which says that the credential is bad: a worker would throw a good one away, and give up its
 * job. As when the store is out of reach, the same request may pass a moment later, and nothing was done.
 */
function unchecked(seconds: number): Problem {
  return new Problem("store_unavailable", "The token can't be checked: its issuer does not answer.", {
    headers: { "retry-after": String(seconds) },
  });
}

/** Whether the credential has the role that a route asks for; an admin has all. */
export function authorise(credential: Caller, role: Role): undefined | Problem {
  if (credential.roles.includes(role) || credential.roles.includes("admin")) return undefined;
  return new Problem("forbidden", `This needs a credential with the role ${role}.`);
}

/** The product that the request is about, if the credential is granted it. */
export function productOf(request: HttpRequest, credential: Caller): string | Problem {
  const given = id.safeParse(request.headers.get("x-product-id"));
  if (!given.success) {
    return new Problem("product_required", "Send the header x-product-id with the id of a product.");
  }
  if (credential.products.includes("*") || credential.products.includes(given.data)) return given.data;
  return new Problem("forbidden", "The credential is not granted this product.");
}

/** Whether the credential may act for the factory that the body names, if it names one. */
export function mayActFor(credential: Caller, body: unknown): undefined | Problem {
  if (credential.factoryIds === undefined) return undefined;
  if (typeof body !== "object" || body === null || !("factoryId" in body)) return undefined;
  if (typeof body.factoryId === "string" && credential.factoryIds.includes(body.factoryId)) return undefined;
  return new Problem("forbidden", "The credential is bound to other factories.");
}
