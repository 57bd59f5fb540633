/** Pages: opaque cursors, and links to the next page. */
import { z } from "zod";
import { artifactName } from "../../shared/schema/artifact.js";
import { profileName, profileVersion } from "../../shared/schema/profile.js";
import { id, instant } from "../../shared/schema/primitives.js";
import type { Problem } from "./answer.js";
import { invalid } from "./validate.js";

/** Where a page ended, per list: what the next one continues behind. A cursor of another list is no cursor. */
export const jobCursor = z.tuple([instant, id]);
export const runCursor = z.tuple([z.int().min(1)]);
export const profileCursor = z.tuple([profileName, profileVersion]);
export const artifactCursor = z.tuple([z.int().min(1), artifactName]);
export const factoryCursor = z.tuple([id]);

/** A place as a caller carries it: to be given back, not to be read. */
export function toCursor(place: readonly (string | number)[]): string {
  return encoded(place);
}

/** The place that a cursor stands for; undefined without one. */
export function readCursor<S extends z.ZodType>(
  schema: S,
  cursor: string | undefined,
  path = "cursor",
): z.infer<S> | undefined | Problem {
  if (cursor === undefined) return undefined;
  const json = decoded(cursor);
  const place = schema.safeParse(json);
  // Decoding passes over characters that are not base64url: only what we would write ourselves counts.
  return place.success && encoded(json) === cursor ? place.data : badCursor(path);
}

export function badCursor(path = "cursor"): Problem {
  return invalid([{ path, message: "is not a cursor of this list" }]);
}

function encoded(json: unknown): string {
  return Buffer.from(JSON.stringify(json), "utf8").toString("base64url");
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** A relative link to the same list with these parameters; those that are undefined are left out. */
export function linkTo(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `${path}?${query.toString()}`;
}

/** The shape of every list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    value: z.array(item),
    nextLink: z.string().optional().meta({ description: "Relative; absent on the last page." }),
  });
}
