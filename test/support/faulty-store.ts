/** A store that fails as the port says a store may: slow, throttled, silent about what it did, or late. */
import { setTimeout as sleep } from "node:timers/promises";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";

export type StoreFault =
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "throttled" }
  /** Nothing happens, and the caller can't know. */
  | { readonly kind: "unavailable" }
  /** It happens, and the caller can't know. */
  | { readonly kind: "lost" }
  /** It happens after the caller was told that nobody knows. */
  | { readonly kind: "late"; readonly ms: number };

interface FaultyStore {
  readonly store: Store;
  /** Resolves when nothing is late any more. */
  settled(): Promise<unknown>;
}

/** `next` says what happens to each operation. */
export function faultyStore(store: Store, next: () => StoreFault | undefined): FaultyStore {
  const late: Promise<unknown>[] = [];
  const through = async <T>(operation: () => Promise<T>): Promise<T> => {
    const fault = next();
    switch (fault?.kind) {
      case undefined:
        return operation();
      case "slow":
        await sleep(fault.ms);
        return operation();
      case "throttled":
        throw new StoreThrottled(1);
      case "unavailable":
        throw new StoreUnavailable("injected: nothing was done");
      case "lost":
        await operation();
        throw new StoreUnavailable("injected: it was done");
      case "late":
        late.push(
          sleep(fault.ms)
            .then(operation)
            .catch(() => undefined),
        );
        throw new StoreUnavailable("injected: it will be done");
    }
  };
  return {
    store: {
      create: (...asked) => {
        // As it is now: who was told that nobody knows may go on to change the document.
        const [container, doc] = structuredClone(asked);
        return through(() => store.create(container, doc));
      },
      read: (...asked) => through(() => store.read(...asked)),
      replaceIfMatch: (...asked) => {
        const [container, doc, etag] = structuredClone(asked);
        return through(() => store.replaceIfMatch(container, doc, etag));
      },
      deleteIfMatch: (...asked) => through(() => store.deleteIfMatch(...asked)),
      query: (...asked) => through(() => store.query(...asked)),
      queryEveryPartition: (...asked) => through(() => store.queryEveryPartition(...asked)),
      count: (...asked) => through(() => store.count(...asked)),
      ping: () => store.ping(),
    },
    settled: async () => Promise.all(late),
  };
}
