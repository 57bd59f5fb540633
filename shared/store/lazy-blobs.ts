import type { Blobs } from "../core/ports/blobs.js";

/** Blobs that are opened by the first call, which loads an SDK: who has no artifacts never waits for that. */
export function lazyBlobs(open: () => Promise<Blobs>): Blobs {
  return {
    ready: async () => (await open()).ready(),
    uploadTo: async (blob, contentType) => (await open()).uploadTo(blob, contentType),
    downloadOf: async (blob) => (await open()).downloadOf(blob),
    look: async (blob) => (await open()).look(blob),
    sha256: async (blob, version) => (await open()).sha256(blob, version),
    deleteJobArtifacts: async (productId, jobId) => (await open()).deleteJobArtifacts(productId, jobId),
  };
}
