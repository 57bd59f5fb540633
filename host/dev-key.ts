/**
 * The development key: made at the first start, kept beside the data, used by every later start. It
 * may do everything, on a coordinator that only this machine can reach.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiKey } from "../shared/settings-keys.js";
import { hashOf, newKey } from "./keys.js";

/** The key kept in this folder, made where there is none. Throws when the file can't be had or is no key. */
export function devKeyIn(fleetDir: string): string {
  const file = join(fleetDir, "dev-key");
  mkdirSync(fleetDir, { recursive: true });
  try {
    // Fails where the file exists: of two first starts one makes the key, the other reads it.
    writeFileSync(file, newKey(), { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const key = readFileSync(file, "utf8").trim();
  if (!/^fleet_[A-Za-z0-9_-]{43}$/.test(key))
    throw new Error(`${file} holds no key; delete it for a new one`);
  return key;
}

/** Its entry in `FLEET_API_KEYS`: every product, every role. */
export function devKeyEntry(key: string): ApiKey {
  return { name: "dev", sha256: hashOf(key), products: ["*"], roles: ["submit", "factory", "read", "admin"] };
}
