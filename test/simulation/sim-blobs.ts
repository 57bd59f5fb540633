/** Blob storage of the simulation: what was uploaded, in memory. A URL is the blob's name. */
import { createHash } from "node:crypto";
import type { BlobOf, Blobs } from "../../shared/core/ports/blobs.js";
import { Memory } from "./memory.js";
import type { KeptMap } from "./memory.js";
import { blobName, jobPrefix } from "../../shared/store/blob-names.js";

const EXPIRES_AT = "2026-01-15T13:00:00.000Z";

export class SimBlobs {
  readonly #blobs: KeptMap<string, string>;

  constructor(memory = new Memory()) {
    this.#blobs = memory.map();
  }

  port(): Blobs {
    const signed = (blob: BlobOf) => Promise.resolve({ url: blobName(blob), expiresAt: EXPIRES_AT });
    return {
      ready: () => Promise.resolve(),
      uploadTo: async (blob, contentType) => ({
        ...(await signed(blob)),
        method: "PUT",
        headers: { "content-type": contentType },
      }),
      downloadOf: signed,
      look: (blob) => {
        const text = this.text(blob);
        return Promise.resolve(
          text === undefined
            ? undefined
            : { contentType: "text/plain", sizeBytes: text.length, version: "1" },
        );
      },
      sha256: (blob) => Promise.resolve(digestOf(this.text(blob) ?? "")),
      deleteJobArtifacts: (productId, jobId) => {
        const prefix = jobPrefix(productId, jobId);
        for (const name of [...this.#blobs.keys()]) if (name.startsWith(prefix)) this.#blobs.delete(name);
        return Promise.resolve("all");
      },
    };
  }

  /** As whoever has the URL does it: the first upload counts. */
  upload(blob: BlobOf, text: string): void {
    const name = blobName(blob);
    if (!this.#blobs.has(name)) this.#blobs.set(name, text);
  }

  text(blob: BlobOf): string | undefined {
    return this.#blobs.get(blobName(blob));
  }

  snapshot(): ReadonlyMap<string, string> {
    return new Map(this.#blobs);
  }

  restore(blobs: ReadonlyMap<string, string>): void {
    this.#blobs.fill(blobs);
  }

  /** What tells them from others; empty where there are none. */
  fingerprint(): string {
    return this.#blobs.size === 0 ? "" : JSON.stringify([...this.#blobs].sort());
  }
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
