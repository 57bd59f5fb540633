import { z } from "zod";
import { documentBase, id } from "./primitives.js";

/** One immutable version of a named agent set-up. Its id is name:version. */
export const profile = z.object({
  ...documentBase,
  name: id,
  version: z.int().min(1),
  snapshot: z.unknown().refine((value) => value !== undefined, { error: "is required" }),
});

/** @public The document as the code will write it. */
export type Profile = z.infer<typeof profile>;
