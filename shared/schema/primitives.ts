import { z } from "zod";
import { CAPABILITIES_MAX, CAPABILITY_CHARS_MAX, ID_CHARS_MAX, SCHEMA_VERSION } from "./limits.js";

/**
 * An id as the contract allows it. It begins with a letter or digit, so it is never "." or "..",
 * and has no "/", "\", "?" or "#", which Cosmos DB forbids in ids.
 */
export const id = z
  .string()
  .max(ID_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, {
    error: "must be 1 to 128 of A-Z a-z 0-9 . _ : - and begin with a letter or digit",
  });

/** An instant: ISO 8601, UTC, milliseconds. Strings of this one form sort as the instants do. */
export const instant = z.iso.datetime({ precision: 3 });

/** A capability or an engine class: a word or a few, without control characters. */
export const capability = z
  .string()
  .min(1)
  .max(CAPABILITY_CHARS_MAX)
  .refine((text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text), { error: "must have no control characters" });

/** A set of capabilities: given in any order, kept once each in the order given. */
export const capabilities = z
  .array(capability)
  .max(CAPABILITIES_MAX)
  // Not a transform: this way the schema describes what is stored and answered as well as what is sent.
  .overwrite((list) => [...new Set(list)]);

/** Any JSON value of at most `bytesMax` bytes when written as JSON. */
export function jsonUpTo(bytesMax: number) {
  return z.unknown().refine((value) => value === undefined || utf8Bytes(JSON.stringify(value)) <= bytesMax, {
    error: `must be at most ${bytesMax} bytes of JSON`,
  });
}

/** Text of at most `bytesMax` bytes in UTF-8. */
export function textUpTo(bytesMax: number) {
  return z.string().refine((text) => utf8Bytes(text) <= bytesMax, {
    error: `must be at most ${bytesMax} bytes of UTF-8`,
  });
}

/** What every document carries, whatever its container. */
export const documentBase = {
  id: z.string().min(1),
  productId: id,
  schemaVersion: z.int().min(1).default(SCHEMA_VERSION),
};

/** `ms` since 1970 as an instant; a fraction of a millisecond is cut off. */
export function toInstant(ms: number): string {
  return new Date(Math.floor(ms)).toISOString();
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
