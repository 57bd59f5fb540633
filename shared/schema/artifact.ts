import { z } from "zod";
import { documentBase, id, instant } from "./primitives.js";

/** It is part of a blob's name and of a document's id: no separator of either is in it. */
export const artifactName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, {
  error: "must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or digit",
});

/** A media type, maybe with parameters: it is sent as a header, so nothing is in it that would end one. */
export const contentType = z
  .string()
  .max(256)
  .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: *; *[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/, {
    error: "must be a media type, such as text/plain; charset=utf-8",
  });
export const sizeBytes = z.int().min(0);
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, { error: "must be 64 lower-case hex digits" });

/** What a worker says of the bytes that it is going to upload. Nobody believes it: see `found`. */
export const reportedArtifact = z.object({
  contentType,
  sizeBytes: sizeBytes.optional(),
  sha256: sha256Hex.optional(),
});
export type ReportedArtifact = z.infer<typeof reportedArtifact>;

/** What the blob was seen to be, once. It can't change: nobody has a URL that overwrites. */
export const foundArtifact = z.object({
  contentType: z.string(),
  sizeBytes,
  /** Over the blob's bytes; absent where they are too many to be read. */
  sha256: sha256Hex.optional(),
});
export type FoundArtifact = z.infer<typeof foundArtifact>;

/** A pointer to a blob that a run made; the bytes are in Blob storage. Its id is jobId:epoch:name. */
export const artifact = z.object({
  ...documentBase,
  jobId: id,
  leaseEpoch: z.int().min(1),
  name: artifactName,
  reported: reportedArtifact,
  /** Absent until the blob was there when somebody listed it. */
  found: foundArtifact.optional(),
  createdAt: instant,
});
export type Artifact = z.infer<typeof artifact>;
