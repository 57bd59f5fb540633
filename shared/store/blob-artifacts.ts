/**
 * The blob port on Azure Storage: on an account that takes identities alone, or on an emulator. Importing
 * this module loads the SDK, so only a dynamic import may name it.
 */
import type { TokenCredential } from "@azure/identity";
import {
  BlobSASPermissions,
  BlobServiceClient,
  type BlobClient,
  type BlobGenerateSasUrlOptions,
  type ContainerClient,
} from "@azure/storage-blob";
import { createHash } from "node:crypto";
import { DELETED_BLOBS_MAX } from "../core/ports/blobs.js";
import type { BlobOf, Blobs, SignedUrl } from "../core/ports/blobs.js";
import type { Clock } from "../core/ports/runtime.js";
import { StoreUnavailable } from "../core/ports/store.js";
import { ARTIFACT_URL_SECONDS } from "../schema/limits.js";
import { saysBlobMissing, toBlobError } from "./blob-errors.js";
import { ARTIFACTS_CONTAINER, blobName, jobPrefix } from "./blob-names.js";
import { emulatorSigner, identitySigner } from "./blob-signing.js";

/** One operation with all its tries, in milliseconds: Blob storage answers in 10 to 50. */
const OPERATION_MS_MAX = 10_000;
/** Reading one blob for its digest, in milliseconds: 512 MiB at 9 MiB/s. */
const READ_MS_MAX = 60_000;
const RETRIES = { maxTries: 3, tryTimeoutInMs: 5000, retryDelayInMs: 200, maxRetryDelayInMs: 1000 };
/** Blobs deleted side by side. */
const DELETES_AT_ONCE = 16;

export interface BlobOptions {
  readonly place:
    | { readonly kind: "identity"; readonly endpoint: string; readonly credential: TokenCredential }
    /** Its container is made when it is first needed. */
    | { readonly kind: "emulator"; readonly connectionString: string };
  readonly clock: Clock;
  /** Other than `DELETED_BLOBS_MAX`, for tests. */
  readonly deletedMax?: number;
}

/** The port. Does no I/O before it is used. */
export function openBlobArtifacts({ place, clock, deletedMax = DELETED_BLOBS_MAX }: BlobOptions): Blobs {
  const options = { retryOptions: RETRIES };
  const service =
    place.kind === "identity"
      ? new BlobServiceClient(place.endpoint, place.credential, options)
      : BlobServiceClient.fromConnectionString(place.connectionString, options);
  const container = service.getContainerClient(ARTIFACTS_CONTAINER);
  const signer =
    place.kind === "identity"
      ? identitySigner(service, clock, OPERATION_MS_MAX)
      : emulatorSigner(container, OPERATION_MS_MAX);
  const clientOf = (blob: BlobOf): BlobClient => container.getBlobClient(blobName(blob));
  const sign = async (blob: BlobOf, how: BlobGenerateSasUrlOptions): Promise<SignedUrl> => {
    // A signature knows whole seconds.
    const expiresOn = new Date((Math.floor(clock.now() / 1000) + ARTIFACT_URL_SECONDS) * 1000);
    const url = await signer.sign(clientOf(blob), { ...how, expiresOn });
    return { url, expiresAt: expiresOn.toISOString() };
  };

  return {
    ready: () => trying(() => signer.ready()),
    uploadTo: (blob, contentType) =>
      trying(async () => {
        // Create without write: the first upload counts, and what was found of it stays true.
        const signed = await sign(blob, { permissions: BlobSASPermissions.parse("c") });
        const headers = { "x-ms-blob-type": "BlockBlob", "content-type": contentType };
        return { method: "PUT", ...signed, headers };
      }),
    downloadOf: (blob) =>
      trying(() => {
        // Whatever type its maker gave it: a browser saves it, and runs nothing of it.
        const contentDisposition = `attachment; filename="${blob.name}"`;
        return sign(blob, { permissions: BlobSASPermissions.parse("r"), contentDisposition });
      }),
    look: (blob) =>
      unlessMissing(async () => {
        await signer.ready();
        const found = await clientOf(blob).getProperties({
          abortSignal: AbortSignal.timeout(OPERATION_MS_MAX),
        });
        const { contentType = "", contentLength = 0, etag = "" } = found;
        return { contentType, sizeBytes: contentLength, version: etag };
      }),
    sha256: (blob, version) => unlessMissing(() => digestOf(clientOf(blob), version)),
    deleteJobArtifacts: (productId, jobId) =>
      trying(async () => {
        await signer.ready();
        return deleteUnder(container, jobPrefix(productId, jobId), deletedMax);
      }),
  };
}

/** Reads the blob to its end, and keeps nothing of it. */
async function digestOf(client: BlobClient, version: string): Promise<string> {
  const conditions = { ifMatch: version };
  const abortSignal = AbortSignal.timeout(READ_MS_MAX);
  const { readableStreamBody, contentLength } = await client.download(0, undefined, {
    conditions,
    abortSignal,
  });
  if (readableStreamBody === undefined) throw new StoreUnavailable("Blob storage sent a blob without bytes");
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of readableStreamBody) {
    const part = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    hash.update(part);
    bytes += part.byteLength;
  }
  if (bytes !== contentLength) throw new StoreUnavailable("Blob storage sent a part of a blob");
  return hash.digest("hex");
}

async function deleteUnder(container: ContainerClient, prefix: string, max: number): Promise<"all" | "some"> {
  const abortSignal = AbortSignal.timeout(OPERATION_MS_MAX);
  const pages = container.listBlobsFlat({ prefix, abortSignal }).byPage({ maxPageSize: max });
  const first: IteratorResult<ListedPage | undefined, unknown> = await pages.next();
  if (first.done === true || first.value === undefined) return "all";
  const { segment, continuationToken = "" } = first.value;
  const names = segment.blobItems.map(({ name }) => name);
  for (let at = 0; at < names.length; at += DELETES_AT_ONCE) {
    const some = names.slice(at, at + DELETES_AT_ONCE).map((name) => container.getBlobClient(name));
    // With its snapshots, if anybody made one: else it would not go.
    await Promise.all(some.map((blob) => blob.deleteIfExists({ deleteSnapshots: "include", abortSignal })));
  }
  return continuationToken === "" ? "all" : "some";
}

interface ListedPage {
  readonly segment: { readonly blobItems: readonly { readonly name: string }[] };
  readonly continuationToken?: string;
}

/** Runs `work`; whatever goes wrong is thrown as the port's error. */
async function trying<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toBlobError(error);
  }
}

/** The same, with undefined for a blob that is not there. */
async function unlessMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  return trying(() =>
    work().catch((error: unknown) => {
      if (saysBlobMissing(error)) return undefined;
      throw error;
    }),
  );
}
