/** Artifacts as callers see them: what was found of the blob in front, what its maker said of it beside. */
import { z } from "zod";
import type {} from "zod-openapi";
import { artifact, foundArtifact, reportedArtifact } from "./artifact.js";
import type { Artifact, FoundArtifact } from "./artifact.js";
import { instant } from "./primitives.js";

const signedUrl = { url: z.url(), expiresAt: instant };

export const wireArtifact = artifact.pick({ name: true, leaseEpoch: true, createdAt: true }).extend({
  uploaded: z.boolean().meta({ description: "Whether the blob is there." }),
  contentType: foundArtifact.shape.contentType.meta({
    description: "Of the blob; while there is none, as reported.",
  }),
  sizeBytes: foundArtifact.shape.sizeBytes
    .optional()
    .meta({ description: "Of the blob; absent while there is none." }),
  sha256: foundArtifact.shape.sha256.meta({
    description:
      "Computed from the blob's bytes when it was first listed, never copied from the report. Absent while " +
      "there is none, while it was not read yet (list again), and for ever where it is too large to be read.",
  }),
  reported: reportedArtifact.meta({ description: "What the worker said before it uploaded." }),
  asReported: z
    .boolean()
    .optional()
    .meta({ description: "Whether all that was reported was found. Absent while that is not known." }),
  download: z
    .object(signedUrl)
    .optional()
    .meta({ description: "A URL that reads this blob alone; absent while there is none." }),
});
export type WireArtifact = z.infer<typeof wireArtifact>;

/** How the bytes are sent: to this URL, by this method, with these headers. */
export const wireUpload = z.object({
  method: z.literal("PUT"),
  url: signedUrl.url.meta({
    description: "Makes this blob where there is none; reads, lists and overwrites nothing.",
  }),
  headers: z.record(z.string(), z.string()),
  expiresAt: instant,
});

/** `found`: what is known of the blob; undefined while there is none. */
export function toWireArtifact(
  { name, leaseEpoch, createdAt, reported }: Artifact,
  found: FoundArtifact | undefined,
  download?: { readonly url: string; readonly expiresAt: string },
): WireArtifact {
  const asReported = found && isAsReported(reported, found);
  return {
    name,
    leaseEpoch,
    createdAt,
    uploaded: found !== undefined,
    contentType: found?.contentType ?? reported.contentType,
    ...(found === undefined ? {} : { sizeBytes: found.sizeBytes }),
    ...(found?.sha256 === undefined ? {} : { sha256: found.sha256 }),
    reported,
    ...(asReported === undefined ? {} : { asReported }),
    ...(download === undefined ? {} : { download }),
  };
}

/** Undefined where a digest was reported and none is known: then nobody can say. */
function isAsReported(reported: Artifact["reported"], found: FoundArtifact): boolean | undefined {
  const { contentType, sizeBytes, sha256 } = reported;
  const differs =
    contentType !== found.contentType ||
    (sizeBytes !== undefined && sizeBytes !== found.sizeBytes) ||
    (sha256 !== undefined && found.sha256 !== undefined && sha256 !== found.sha256);
  if (differs) return false;
  return sha256 === undefined || found.sha256 !== undefined ? true : undefined;
}
