/**
 * A meter at the store port: what each operation of the fleet asks of its store.
 *
 * An *operation* is what runs inside `operation()`: one HTTP request, for the benches. Each of its store
 * requests has a *round*: one more than the highest round among the operation's requests that had been answered
 * when it was issued; the first has round 1. So requests that overlap share a round, and the highest round is
 * the longest chain of requests that each waited for the one before: the sequential round trips.
 * A query is one request, though the SDK of Cosmos DB asks for its plan first.
 *
 * An answer takes a turn of the event loop, as one from a network does. The embedded store answers at once:
 * what is asked side by side would seem to be asked in a row.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as turn } from "node:timers/promises";
import type { Page, Query, Store, Stored } from "../../shared/core/ports/store.js";
import type { ContainerName, Documents } from "../../shared/schema/containers.js";
import type { Doc } from "./request-units.js";

/** What a request did to documents. */
export type Effect =
  | { readonly kind: "read"; readonly id: string; readonly doc: Doc | undefined }
  | { readonly kind: "created"; readonly doc: Doc }
  | { readonly kind: "replaced"; readonly before: Doc; readonly after: Doc }
  | { readonly kind: "deleted"; readonly before: Doc }
  /** A condition did not hold: nothing was done. */
  | { readonly kind: "refused"; readonly id: string }
  /** `whole`: the same documents with all their properties. */
  | {
      readonly kind: "queried";
      readonly fresh: boolean;
      readonly found: readonly unknown[];
      readonly whole: readonly unknown[];
    }
  | { readonly kind: "counted" }
  | { readonly kind: "pinged" }
  /** The store threw. */
  | { readonly kind: "failed" };

export interface StoreRequest {
  readonly method: keyof Store;
  /** `fleet_jobs` for a ping. */
  readonly container: ContainerName;
  readonly round: number;
  effect: Effect;
  /** What the store says it charged, in RU; undefined where it says nothing. */
  charged: number | undefined;
}

export interface Operation {
  readonly name: string;
  /** In the order in which they were issued. */
  readonly requests: readonly StoreRequest[];
}

export interface Meter {
  /**
   * The same store, whose requests are noted for the operation that they serve. A query for some properties is
   * asked again for all of them, unnoted, to know how large the documents are.
   */
  on(store: Store): Store;
  /** Runs `work` as one operation. */
  operation<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** The operations that have ended since this was asked last. */
  taken(): Operation[];
  /** For the store to say what the request that is under way was charged. */
  charged(requestUnits: number): void;
}

interface Running {
  readonly requests: StoreRequest[];
  /** The highest round of a request that was answered. */
  answered: number;
}

export function newMeter(): Meter {
  const running = new AsyncLocalStorage<Running>();
  const underWay = new AsyncLocalStorage<StoreRequest>();
  let ended: Operation[] = [];

  const note: Note = async (method, container, ask, effectOf) => {
    const operation = running.getStore();
    const round = (operation?.answered ?? 0) + 1;
    const request: StoreRequest = {
      method,
      container,
      round,
      effect: { kind: "failed" },
      charged: undefined,
    };
    operation?.requests.push(request);
    try {
      await turn();
      const answer = await underWay.run(request, ask);
      request.effect = await effectOf(answer);
      return answer;
    } finally {
      if (operation !== undefined) operation.answered = Math.max(operation.answered, round);
    }
  };

  return {
    on: (store) => noted(store, note),
    operation: async (name, work) => {
      const operation: Running = { requests: [], answered: 0 };
      try {
        return await running.run(operation, work);
      } finally {
        ended.push({ name, requests: operation.requests });
      }
    },
    taken: () => {
      const taken = ended;
      ended = [];
      return taken;
    },
    charged: (requestUnits) => {
      const request = underWay.getStore();
      if (request !== undefined) request.charged = (request.charged ?? 0) + requestUnits;
    },
  };
}

type Note = <T>(
  method: keyof Store,
  container: ContainerName,
  ask: () => Promise<T>,
  effectOf: (answer: T) => Effect | Promise<Effect>,
) => Promise<T>;

function noted(store: Store, note: Note): Store {
  const versions = knownVersions();
  return { ...notedDocuments(store, note, versions), ...notedQueries(store, note) };
}

type ByQuery = Pick<Store, "query" | "queryEveryPartition" | "count" | "ping">;

function notedQueries(store: Store, note: Note): ByQuery {
  const queried = ({ freshness }: Query, found: Page<unknown>, whole: Page<unknown>): Effect => ({
    kind: "queried",
    fresh: freshness === "fresh",
    found: found.value,
    whole: whole.value,
  });
  return {
    query: (container, partition, query, fields) =>
      note(
        "query",
        container,
        () => store.query(container, partition, query, fields),
        async (page) => queried(query, page, await store.query(container, partition, query, "all")),
      ),
    queryEveryPartition: (container, query, fields) =>
      note(
        "queryEveryPartition",
        container,
        () => store.queryEveryPartition(container, query, fields),
        async (page) => queried(query, page, await store.queryEveryPartition(container, query, "all")),
      ),
    count: (container, partition, where) =>
      note(
        "count",
        container,
        () => store.count(container, partition, where),
        () => ({ kind: "counted" }),
      ),
    ping: () =>
      note(
        "ping",
        "fleet_jobs",
        () => store.ping(),
        () => ({ kind: "pinged" }),
      ),
  };
}

function notedDocuments(
  store: Store,
  note: Note,
  versions: ReturnType<typeof knownVersions>,
): Omit<Store, keyof ByQuery> {
  return {
    create: (container, doc) =>
      note(
        "create",
        container,
        () => store.create(container, doc),
        (answer) => {
          if (answer.kind === "exists") return { kind: "refused", id: doc.id };
          versions.keep(container, doc, answer.etag);
          return { kind: "created", doc };
        },
      ),
    read: <C extends ContainerName>(container: C, partition: string, id: string) =>
      note(
        "read",
        container,
        () => store.read(container, partition, id),
        (answer: Stored<Documents[C]> | undefined) => {
          if (answer !== undefined) versions.keep(container, answer.doc, answer.etag);
          return { kind: "read", id, doc: answer?.doc };
        },
      ),
    replaceIfMatch: (container, doc, etag) =>
      note(
        "replaceIfMatch",
        container,
        () => store.replaceIfMatch(container, doc, etag),
        (answer) => {
          if (answer.kind !== "replaced") return { kind: "refused", id: doc.id };
          versions.keep(container, doc, answer.etag);
          return { kind: "replaced", before: versions.of(container, doc.id, etag), after: doc };
        },
      ),
    deleteIfMatch: (container, partition, id, etag) =>
      note(
        "deleteIfMatch",
        container,
        () => store.deleteIfMatch(container, partition, id, etag),
        (answer) =>
          answer.kind === "deleted"
            ? { kind: "deleted", before: versions.of(container, id, etag) }
            : { kind: "refused", id },
      ),
  };
}

/** Every version that went through. Whoever replaces a document has its etag from here. */
function knownVersions() {
  const docs = new Map<string, Doc>();
  const nameOf = (container: ContainerName, id: string, etag: string) =>
    JSON.stringify([container, id, etag]);
  return {
    keep: (container: ContainerName, doc: Doc & { id: string }, etag: string): void => {
      docs.set(nameOf(container, doc.id, etag), doc);
    },
    of: (container: ContainerName, id: string, etag: string): Doc => {
      const doc = docs.get(nameOf(container, id, etag));
      if (doc === undefined)
        throw new Error(`${container}: ${id} was replaced under an etag that nobody read`);
      return doc;
    },
  };
}
