/**
 * The blob port: all that the fleet asks of Blob storage. It never carries bytes of its own: workers and
 * readers get URLs, each for one blob and for minutes.
 *
 * A method throws `StoreUnavailable` (nobody knows whether it was done) or `StoreMisconfigured` (it was
 * not, and won't be until somebody changes a setting); both name Blob storage.
 */
import type { FoundArtifact } from "../../schema/artifact.js";
import { StoreMisconfigured } from "./store.js";

/** Which blob. Blobs of two of these never are one, whatever the ids: see `blobName` of the adapter. */
export interface BlobOf {
  readonly productId: string;
  readonly jobId: string;
  readonly leaseEpoch: number;
  readonly name: string;
}

/** A URL that carries its own permission. `expiresAt`: when it stops being taken. */
export interface SignedUrl {
  readonly url: string;
  readonly expiresAt: string;
}

/** How to upload: a request of this method to this URL, with these headers and the bytes as its body. */
export interface Upload extends SignedUrl {
  readonly method: "PUT";
  readonly headers: Readonly<Record<string, string>>;
}

/** A blob that is there, as it is now. */
export interface SeenBlob {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** The store's name for these very bytes, to read no others. */
  readonly version: string;
}

export interface Blobs {
  /** Resolves when URLs can be signed; throws before anything is promised that could not be kept. */
  ready(): Promise<void>;
  /** A URL that makes this blob where there is none, and does nothing else: no reading, no overwriting. */
  uploadTo(blob: BlobOf, contentType: string): Promise<Upload>;
  /** A URL that reads this blob, and does nothing else. */
  downloadOf(blob: BlobOf): Promise<SignedUrl>;
  /** What is there; undefined while nothing is. */
  look(blob: BlobOf): Promise<SeenBlob | undefined>;
  /** SHA-256 over the bytes of that version, in hex; undefined where it is not there any more. */
  sha256(blob: BlobOf, version: string): Promise<FoundArtifact["sha256"]>;
  /**
   * Deletes every blob of the job, of all its epochs, and no other job's. Repeatable: what is gone is no
   * error, and after a failure the next call goes on. One call deletes at most `DELETED_BLOBS_MAX`; "some":
   * there are more, call again. Without Blob storage there is nothing to delete.
   */
  deleteJobArtifacts(productId: string, jobId: string): Promise<"all" | "some">;
}

/** Blobs of one job deleted in one call, at about 10 ms each and several at once: a few seconds. */
export const DELETED_BLOBS_MAX = 1000;

/** Where no Blob storage is set: artifacts are refused with the setting's name, and all else works. */
export const NO_BLOBS: Blobs = {
  ready: refused,
  uploadTo: refused,
  downloadOf: refused,
  look: refused,
  sha256: refused,
  deleteJobArtifacts: () => Promise.resolve("all"),
};

function refused(): Promise<never> {
  return Promise.reject(
    new StoreMisconfigured(
      "BLOB_ENDPOINT is not set, nor AzureWebJobsStorage to the storage emulator: there is no place for artifacts",
    ),
  );
}
