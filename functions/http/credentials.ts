/** Who calls, and what they may do: API keys, of which only hashes are known. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpRequest } from "@azure/functions";
import { id } from "../../shared/schema/primitives.js";
import { Problem } from "./answer.js";

export type Role = "submit" | "factory" | "read" | "admin";

/** A key that may call. */
export interface Credential {
  /** 64 hex digits over the key's UTF-8 bytes. */
  readonly sha256: string;
  /** `["*"]` is every product. */
  readonly products: readonly string[];
  readonly roles: readonly Role[];
  /** The factories that it may act for; absent: for all. */
  readonly factoryIds?: readonly string[] | undefined;
}

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

/**
 * The credential whose key the request carries. Every entry is compared, each in constant time, so
 * that how long it takes tells nothing of how close a guess came.
 */
export function authenticate(request: HttpRequest, credentials: readonly Credential[]): Credential | Problem {
  const key = BEARER.exec(request.headers.get("authorization") ?? "")?.[1];
  if (key === undefined) return unauthenticated("Send the header Authorization: Bearer <key>.");
  const hash = createHash("sha256").update(key, "utf8").digest();
  const [found] = credentials.filter((entry) => timingSafeEqual(Buffer.from(entry.sha256, "hex"), hash));
  return found ?? unauthenticated("The key is not known.");
}

function unauthenticated(detail: string): Problem {
  return new Problem("unauthenticated", detail, { headers: { "www-authenticate": "Bearer" } });
}

/** Whether the credential has the role that a route asks for; an admin has all. */
export function authorise(credential: Credential, role: Role): undefined | Problem {
  if (credential.roles.includes(role) || credential.roles.includes("admin")) return undefined;
  return new Problem("forbidden", `This needs a credential with the role ${role}.`);
}

/** The product that the request is about, if the credential is granted it. */
export function productOf(request: HttpRequest, credential: Credential): string | Problem {
  const given = id.safeParse(request.headers.get("x-product-id"));
  if (!given.success) {
    return new Problem("product_required", "Send the header x-product-id with the id of a product.");
  }
  if (credential.products.includes("*") || credential.products.includes(given.data)) return given.data;
  return new Problem("forbidden", "The credential is not granted this product.");
}

/** Whether the credential may act for the factory that the body names, if it names one. */
export function mayActFor(credential: Credential, body: unknown): undefined | Problem {
  if (credential.factoryIds === undefined) return undefined;
  if (typeof body !== "object" || body === null || !("factoryId" in body)) return undefined;
  if (typeof body.factoryId === "string" && credential.factoryIds.includes(body.factoryId)) return undefined;
  return new Problem("forbidden", "The credential is bound to other factories.");
}
