import { z } from "zod";
import { documentBase, id, instant } from "./primitives.js";

/** A pointer to a blob that a run made; the bytes are in Blob storage. Its id is jobId:epoch:name. */
export const artifact = z.object({
  ...documentBase,
  jobId: id,
  leaseEpoch: z.int().min(1),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, {
    error: "must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or digit",
  }),
  contentType: z.string().min(1).max(256),
  sizeBytes: z.int().min(0).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: "must be 64 lower-case hex digits" })
    .optional(),
  createdAt: instant,
});

/** @public The document as the code will write it. */
export type Artifact = z.infer<typeof artifact>;
