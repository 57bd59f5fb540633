/** The `Idempotency-Key` header. */
import type { HttpRequest } from "@azure/functions";
import { id } from "../../shared/schema/primitives.js";
import type { Problem } from "./answer.js";
import { invalid } from "./validate.js";

/**
 * What the header means on a route: the name of the operation; another spelling of a property of the
 * body, with which it must agree; or nothing, and it is not read.
 */
export type KeyMeaning = "operation" | { readonly property: string } | undefined;

/** The header's value; undefined without the header. */
export function readKey(request: HttpRequest, meaning: KeyMeaning): string | undefined | Problem {
  const given = request.headers.get("idempotency-key");
  if (meaning === undefined || given === null) return undefined;
  const parsed = id.safeParse(given);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues[0]?.message ?? "is not valid";
  return invalid([{ path: "Idempotency-Key", message }]);
}

/** The body with the header's key in the property that it spells. */
export function withKey(json: unknown, key: string | undefined, meaning: KeyMeaning): unknown {
  if (key === undefined || typeof meaning !== "object") return json;
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const given = (json as Record<string, unknown>)[meaning.property];
  if (given === undefined) return { ...json, [meaning.property]: key };
  if (typeof given !== "string" || given === key) return json;
  return invalid([{ path: meaning.property, message: "must agree with the Idempotency-Key header" }]);
}
