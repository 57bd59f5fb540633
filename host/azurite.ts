/**
 * Azurite's blob service in this process: what an app on Azure finds in its storage account. In the
 * process, not beside it, so that none is left behind when this one is killed.
 *
 * It sends no telemetry, and takes requests of SDKs newer than itself.
 */
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";

export interface Azurite {
  /** `http://127.0.0.1:<port>/devstoreaccount1`: the account's URL for blobs. */
  readonly blobEndpoint: string;
  /** As in AzureWebJobsStorage; its key is Azurite's, which everybody knows. */
  readonly connectionString: string;
  /** Ends it once what it knows is on the disk. */
  stop(): Promise<void>;
}

/** What Azurite asks of whoever starts it, as its command line would answer. It ships no types. */
const ANSWERS = {
  blobHost: () => "127.0.0.1",
  blobKeepAliveTimeout: () => undefined,
  silent: () => true,
  loose: () => false,
  skipApiVersionCheck: () => true,
  cert: () => undefined,
  key: () => undefined,
  pwd: () => undefined,
  oauth: () => undefined,
  // The account is the first segment of the path, whatever the host's name.
  disableProductStyleUrl: () => true,
  disableTelemetry: () => true,
  inMemoryPersistence: () => false,
  extentMemoryLimit: () => undefined,
  debug: () => Promise.resolve(undefined),
};

/** The parts of it that are used here; each of its modules has one or two of them. */
interface Internals {
  readonly BlobServerFactory: new () => {
    createServer(environment: unknown): Promise<{
      start(): Promise<void>;
      close(): Promise<void>;
      getHttpServerAddress(): string;
    }>;
  };
  readonly AzuriteTelemetryClient: { init(location: string, enabled: boolean, environment: unknown): void };
  readonly EMULATOR_ACCOUNT_NAME: string;
  readonly EMULATOR_ACCOUNT_KEY: Buffer;
}

/** PEM files of a certificate and its key: it then speaks TLS, and takes access tokens without checking who signed them. */
export interface AzuriteTls {
  readonly cert: string;
  readonly key: string;
}

/**
 * Starts it with its data in `folder`, which is made where it is missing, on 127.0.0.1; port 0, the default, is
 * any free one. It takes about a second to load, so it is loaded here. Rejects with the system's error.
 */
export async function startAzurite(folder: string, port = 0, tls?: AzuriteTls): Promise<Azurite> {
  const require = createRequire(import.meta.url);
  const { AzuriteTelemetryClient } = require("azurite/dist/src/common/Telemetry") as Internals;
  const { BlobServerFactory } = require("azurite/dist/src/blob/BlobServerFactory") as Internals;
  const constants = require("azurite/dist/src/common/utils/constants") as Internals;
  const { EMULATOR_ACCOUNT_NAME: account, EMULATOR_ACCOUNT_KEY: key } = constants;
  await mkdir(folder, { recursive: true });
  const secured = tls && { cert: () => tls.cert, key: () => tls.key, oauth: () => "basic" };
  const environment = {
    ...ANSWERS,
    ...secured,
    blobPort: () => port,
    location: () => Promise.resolve(folder),
  };
  AzuriteTelemetryClient.init(folder, false, environment);
  const server = await new BlobServerFactory().createServer(environment);
  await server.start();
  const blobEndpoint = `${server.getHttpServerAddress()}/${account}`;
  return {
    blobEndpoint,
    connectionString:
      `DefaultEndpointsProtocol=${tls ? "https" : "http"};AccountName=${account};AccountKey=${key.toString("base64")};` +
      `BlobEndpoint=${blobEndpoint};`,
    stop: () => server.close(),
  };
}
