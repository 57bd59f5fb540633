import type { Recorder, StoreOutcome } from "../core/ports/recorder.js";
import type { Clock } from "../core/ports/runtime.js";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../core/ports/store.js";
import type { Store } from "../core/ports/store.js";

/** The same store, each of whose requests the recorder hears of. */
export function timedStore(store: Store, clock: Clock, recorder: Recorder): Store {
  const timed = async <T>(operation: keyof Store, request: () => Promise<T>): Promise<T> => {
    const startedMs = clock.now();
    let outcome: StoreOutcome = "failed";
    try {
      const answer = await request();
      outcome = "done";
      return answer;
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      recorder.stored(operation, outcome, clock.now() - startedMs);
    }
  };
  return {
    create: (container, doc) => timed("create", () => store.create(container, doc)),
    read: (container, partition, id) => timed("read", () => store.read(container, partition, id)),
    replaceIfMatch: (container, doc, etag) =>
      timed("replaceIfMatch", () => store.replaceIfMatch(container, doc, etag)),
    deleteIfMatch: (container, partition, id, etag) =>
      timed("deleteIfMatch", () => store.deleteIfMatch(container, partition, id, etag)),
    query: (container, partition, query, fields) =>
      timed("query", () => store.query(container, partition, query, fields)),
    queryEveryPartition: (container, query, fields) =>
      timed("queryEveryPartition", () => store.queryEveryPartition(container, query, fields)),
    count: (container, partition, where) => timed("count", () => store.count(container, partition, where)),
    ping: () => timed("ping", () => store.ping()),
  };
}

function outcomeOf(error: unknown): StoreOutcome {
  if (error instanceof StoreThrottled) return "throttled";
  if (error instanceof StoreUnavailable) return "unavailable";
  return error instanceof StoreMisconfigured ? "misconfigured" : "failed";
}
