/**
 * How URLs of blobs are signed. With an identity, by a user delegation key, which the account hands out for
 * a while to whoever may (Storage Blob Delegator): so no account key exists anywhere, and what was signed
 * ends with the identity's roles. An emulator has an account key, which everybody knows.
 */
import {
  type BlobClient,
  type BlobGenerateSasUrlOptions,
  type BlobServiceClient,
  type ContainerClient,
  SASProtocol,
  type UserDelegationKey,
} from "@azure/storage-blob";
import type { Clock } from "../core/ports/runtime.js";
import { ARTIFACT_URL_SECONDS } from "../schema/limits.js";

/** How long a delegation key is asked for, and how far back: the account's clock may be behind. */
const KEY_MS = 6 * 3600_000;
const KEY_BACK_MS = 15 * 60_000;
/** A key must outlive every URL that it signs; with so much to spare. */
const KEY_LEFT_MS_MIN = ARTIFACT_URL_SECONDS * 1000 + 5 * 60_000;

export interface Signer {
  /** Rejects when nothing could be signed. */
  ready(): Promise<void>;
  sign(blob: BlobClient, options: BlobGenerateSasUrlOptions): Promise<string>;
}

/** Signs for the identity that `service` signs in with. Its URLs are good over TLS alone. */
export function identitySigner(service: BlobServiceClient, clock: Clock, deadlineMs: number): Signer {
  const keys = new Renewed(clock, async (nowMs) => {
    const expiresAtMs = nowMs + KEY_MS;
    const from = new Date(nowMs - KEY_BACK_MS);
    const abortSignal = AbortSignal.timeout(deadlineMs);
    const key: UserDelegationKey = await service.getUserDelegationKey(from, new Date(expiresAtMs), {
      abortSignal,
    });
    return { key, goodUntilMs: expiresAtMs - KEY_LEFT_MS_MIN };
  });
  return {
    ready: async () => {
      await keys.get();
    },
    sign: async (blob, options) =>
      blob.generateUserDelegationSasUrl({ ...options, protocol: SASProtocol.Https }, await keys.get()),
  };
}

interface Made {
  readonly key: UserDelegationKey;
  readonly goodUntilMs: number;
}

/** A key that is fetched once, shared by all who come meanwhile, and again when it is over or was not given. */
class Renewed {
  readonly #clock: Clock;
  readonly #make: (nowMs: number) => Promise<Made>;
  #made: Promise<Made> | undefined;

  constructor(clock: Clock, make: (nowMs: number) => Promise<Made>) {
    this.#clock = clock;
    this.#make = make;
  }

  async get(): Promise<UserDelegationKey> {
    const made = this.#made ?? this.#fetch();
    const { key, goodUntilMs } = await made;
    if (this.#clock.now() < goodUntilMs) return key;
    // Whoever sees first that it is over fetches the next one; the others find that one.
    return (await (this.#made === made ? this.#fetch() : (this.#made ?? this.#fetch()))).key;
  }

  #fetch(): Promise<Made> {
    const fetched = this.#make(this.#clock.now());
    this.#made = fetched;
    fetched.catch(() => {
      if (this.#made === fetched) this.#made = undefined;
    });
    return fetched;
  }
}

/** Signs with the key of an emulator's connection string. Its container is made when it is first needed. */
export function emulatorSigner(container: ContainerClient, deadlineMs: number): Signer {
  let made: Promise<unknown> | undefined;
  const ready = async (): Promise<void> => {
    made ??= container.createIfNotExists({ abortSignal: AbortSignal.timeout(deadlineMs) });
    await made.catch((error: unknown) => {
      made = undefined;
      throw error;
    });
  };
  return {
    ready,
    sign: async (blob, options) => {
      await ready();
      return blob.generateSasUrl(options);
    },
  };
}
