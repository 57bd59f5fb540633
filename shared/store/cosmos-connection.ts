/** The one client, its deadlines, and what has to happen before its first use. */
import { CosmosClient } from "@azure/cosmos";
import type { Container, CosmosClientOptions } from "@azure/cosmos";
import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pause } from "../core/ports/runtime.js";
import { StoreUnavailable } from "../core/ports/store.js";
import type { ContainerName } from "../schema/containers.js";
import { checkAccount, createContainers } from "./cosmos-account.js";
import { retryAfterMs, statusOf, toStoreError } from "./cosmos-errors.js";

/** One HTTP request: Cosmos DB answers in milliseconds; the SDK would wait a minute. */
const REQUEST_MS_MAX = 5000;
/** The contract's number: throttling is waited out this long in all, then passed on. */
const THROTTLED_MS_MAX = 5000;
/** The shortest wait after a 429, so that one that names none can't make a storm of retries. */
const THROTTLED_PAUSE_MS_MIN = 100;
/** One operation with all that is repeated in it: the throttled waiting and a last request. */
const OPERATION_MS_MAX = THROTTLED_MS_MAX + REQUEST_MS_MAX;
const DEADLINES: Deadlines = { requestMs: REQUEST_MS_MAX, operationMs: OPERATION_MS_MAX };

export interface CosmosOptions {
  readonly endpoint: string;
  readonly database: string;
  /** A key means an emulator: its containers are made on first use, and its account is not judged. */
  readonly credential:
    | { readonly kind: "key"; readonly key: string }
    | { readonly kind: "identity"; readonly credential: TokenCredential };
  /** Other deadlines, another way to wait and to send requests than the usual ones: for tests. */
  readonly deadlines?: Deadlines;
  readonly pause?: Pause;
  readonly httpClient?: NonNullable<CosmosClientOptions["httpClient"]>;
}

interface Deadlines {
  readonly requestMs: number;
  readonly operationMs: number;
}

type TokenCredential = NonNullable<CosmosClientOptions["aadCredentials"]>;

export interface CosmosConnection {
  readonly isEmulator: boolean;
  /**
   * Runs `work` on a container once the account is known to be sound. Gives up after a deadline;
   * whatever goes wrong is thrown as the store port's error.
   */
  readonly use: <T>(
    container: ContainerName,
    work: (container: Container, signal: AbortSignal) => Promise<T>,
  ) => Promise<T>;
}

/** A connection that does no I/O before it is used. */
export function connectCosmos(options: CosmosOptions): CosmosConnection {
  const { requestMs, operationMs } = options.deadlines ?? DEADLINES;
  const client = new CosmosClient(clientOptions(options, requestMs));
  const database = client.database(options.database);
  const isEmulator = options.credential.kind === "key";
  const pause = options.pause ?? ((ms) => sleep(ms));
  const bounded = <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(operationMs, (signal) => throttledAtMost(pause, () => work(signal)));

  let prepared: Promise<void> | undefined;
  // Once, shared by all who come meanwhile; forgotten when it fails, so that the next one tries again.
  const ready = (): Promise<void> =>
    (prepared ??= bounded(() =>
      isEmulator ? createContainers(client, options.database) : checkAccount(client),
    ).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    }));

  return {
    isEmulator,
    use: async (container, work) => {
      try {
        await ready();
        return await bounded((signal) => work(database.container(container), signal));
      } catch (error) {
        throw toStoreError(error);
      }
    },
  };
}

function clientOptions(options: CosmosOptions, requestMs: number): CosmosClientOptions {
  const { credential } = options;
  return {
    endpoint: options.endpoint,
    ...(credential.kind === "key" ? { key: credential.key } : { aadCredentials: credential.credential }),
    ...(options.httpClient === undefined ? {} : { httpClient: options.httpClient }),
    connectionPolicy: {
      requestTimeout: requestMs,
      // There is one region, so nothing to discover. With it on, the SDK sends a write whose connection
      // broke again, up to 120 times a second apart: a create that had succeeded would then be told
      // that it exists already. It would also keep a timer running between requests.
      enableEndpointDiscovery: false,
      useMultipleWriteLocations: false,
      // The SDK would wait however long a 429 asks, and past our deadline: see throttledAtMost.
      retryOptions: { maxRetryAttemptCount: 0 },
    },
  };
}

/**
 * Repeats `work` for as long as it is throttled, within THROTTLED_MS_MAX of waiting. Safe for a write:
 * a 429 says that it was not done. A wait that would not fit is not begun; its 429 is passed on at once.
 */
async function throttledAtMost<T>(pause: Pause, work: () => Promise<T>): Promise<T> {
  for (let waitedMs = 0; ;) {
    try {
      return await work();
    } catch (error) {
      if (statusOf(error) !== 429) throw error;
      const waitMs = Math.max(retryAfterMs(error), THROTTLED_PAUSE_MS_MIN);
      if (waitedMs + waitMs > THROTTLED_MS_MAX) throw error;
      await pause(waitMs);
      waitedMs += waitMs;
    }
  }
}

/**
 * Ends with `work`, or after `ms` with `StoreUnavailable`. The signal alone is not enough: the SDK looks
 * at it when it sends, not while it waits between two tries. (A deadline is no wait: it is cleared.)
 */
async function withDeadline<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new StoreUnavailable(`Cosmos DB did not answer within ${ms} ms`));
      controller.abort();
    }, ms);
  });
  try {
    return await Promise.race([work(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
  }
}
