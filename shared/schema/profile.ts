import { z } from "zod";
import { ID_CHARS_MAX, PROFILE_BYTES_MAX, PROFILE_VERSION_MAX } from "./limits.js";
import { documentBase, instant, jsonUpTo } from "./primitives.js";

const NAME = `[A-Za-z0-9][A-Za-z0-9._-]{0,${ID_CHARS_MAX - 1}}`;

/** An id without ":", which stands between a profile's name and its version. */
export const profileName = z.string().regex(new RegExp(`^${NAME}$`), {
  error: `must be 1 to ${ID_CHARS_MAX} of A-Z a-z 0-9 . _ - and begin with a letter or digit`,
});
export const profileVersion = z.int().min(1).max(PROFILE_VERSION_MAX);

/** A profile as a job names it: `name` is whatever version is the latest when it is claimed, `name:version` that one. */
export const profileRef = z.string().regex(new RegExp(`^${NAME}(:[1-9][0-9]{0,8})?$`), {
  error: "must be a profile's name, or its name, a colon and a version",
});

/** What a version holds: a JSON object, whatever is in it. */
export const profileSnapshot = jsonUpTo(PROFILE_BYTES_MAX).refine(isObject, {
  error: "must be a JSON object",
});

/** One immutable version of a named agent set-up. Its id is name:version. */
export const profile = z.object({
  ...documentBase,
  name: profileName,
  version: profileVersion,
  /** Hash of the snapshot, over canonical JSON: the same content is the same version. */
  contentHash: z.string(),
  snapshot: profileSnapshot,
  createdAt: instant,
});

export type Profile = z.infer<typeof profile>;

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
