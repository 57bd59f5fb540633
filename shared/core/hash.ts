import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** SHA-256 of `text` in base64url: 43 characters of A-Z a-z 0-9 - _. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("base64url");
}

/** A hash that equal JSON values share, whatever the order of their properties (RFC 8785). */
export function hashJson(value: unknown): string {
  // Through JSON first: what is undefined is left out, as it is in a stored document.
  return sha256(canonicalize(JSON.parse(JSON.stringify(value))) ?? "");
}

/** Whether two values are the same JSON; undefined is the same only as undefined. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  // Mostly they are, down to the order of their properties.
  return one === other || canonicalize(JSON.parse(one)) === canonicalize(JSON.parse(other));
}

/**
 * The id of the job that a product's idempotency key names, for ever: so creating the document is
 * reserving the key. The "j" makes it begin with a letter, as every id must; the NUL keeps
 * ("a", "bc") and ("ab", "c") apart.
 */
export function jobIdOf(productId: string, idempotencyKey: string): string {
  return `j${sha256(`${productId}\0${idempotencyKey}`)}`;
}
