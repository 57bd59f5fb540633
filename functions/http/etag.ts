import { createHash } from "node:crypto";

/**
 * An entity tag for what several documents show together. It hides their own etags: those are the
 * store's, and good for conditional writes.
 */
export function entityTag(...etags: readonly (string | undefined)[]): string {
  const text = JSON.stringify(etags.map((etag) => etag ?? null));
  return `"${createHash("sha256").update(text, "utf8").digest("base64url")}"`;
}

/** Whether an If-None-Match header names this tag. Weak comparison, as RFC 9110 wants it for this header. */
export function matches(ifNoneMatch: string | null, tag: string): boolean {
  if (ifNoneMatch === null) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((given) => given.trim().replace(/^W\//, "") === tag);
}
