import { createHash, randomBytes } from "node:crypto";

/** A new API key: 256 bits of chance, in characters that no shell and no header minds. */
export function newKey(): string {
  return `fleet_${randomBytes(32).toString("base64url")}`;
}

/** What `FLEET_API_KEYS` holds of a key: SHA-256 over its UTF-8 bytes, 64 lower-case hex digits. */
export function hashOf(key: string): string {
  return createHash("sha256").update(key, "utf8").digest("hex");
}
