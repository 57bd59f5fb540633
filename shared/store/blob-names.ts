/** Where a blob is in the container: product/job/epoch/name. So a job's blobs have a prefix, and no two share one. */
import type { BlobOf } from "../core/ports/blobs.js";

/** The container that infra/modules/storage.bicep makes. */
export const ARTIFACTS_CONTAINER = "artifacts";

export function blobName({ productId, jobId, leaseEpoch, name }: BlobOf): string {
  return `${jobPrefix(productId, jobId)}${leaseEpoch}/${segment(name)}`;
}

/** What the names of all blobs of a job begin with, and of no other: it ends in a slash, which no id holds. */
export function jobPrefix(productId: string, jobId: string): string {
  return `${segment(productId)}/${segment(jobId)}/`;
}

/**
 * An id as a segment of a path. Ids and names hold no slash, and are never "." or ".."; but one may end in
 * a dot, which clients and servers cut off: `log.` would become `log`.
 */
function segment(id: string): string {
  return id.replace(/\.$/, "%2E");
}
