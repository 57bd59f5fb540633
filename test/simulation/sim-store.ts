/**
 * The store of the simulation: documents in memory behind the store port. What happens, and when, is
 * decided elsewhere: each operation is handed to `perform` as two halves, its effect and its answer.
 *
 * Etags count the versions of one document, so that two orders of events that lead to the same
 * documents lead to the same state.
 */
import { assertConditions, assertQuery } from "../../shared/store/query-rules.js";
import type { Condition, Query, Store, Stored } from "../../shared/core/ports/store.js";
import { containers, partitionFields } from "../../shared/schema/containers.js";
import { compare, holds, values } from "./sim-query.js";
import type { ContainerName } from "../../shared/schema/containers.js";

export type Doc = Record<string, unknown> & { id: string };

export interface Version {
  readonly json: string;
  readonly version: number;
}

/** One operation on its way to the store. */
export interface Operation {
  readonly name: keyof Store;
  readonly container: ContainerName;
  readonly id: string;
  readonly isWrite: boolean;
  /** Whether an older answer is allowed. */
  readonly mayBeStale: boolean;
  /** Makes it happen, on the documents as they are now or, for a stale answer, were one version earlier. */
  readonly effect: (when: "now" | "one version late") => unknown;
}

/** What a write did. */
export interface Written {
  readonly container: ContainerName;
  readonly before: Doc | undefined;
  readonly after: Doc | undefined;
}

const WRITES: readonly (keyof Store)[] = ["create", "replaceIfMatch", "deleteIfMatch"];

export class SimStore {
  #documents = new Map<string, Version>();
  /** What a stale answer shows: each document as it was before it was last written. */
  readonly #former = new Map<string, Version | undefined>();
  /** The last version of what is gone: its etag must not come back with another document. */
  readonly #deleted = new Map<string, number>();
  readonly #onWrite: (written: Written) => void;

  constructor(onWrite: (written: Written) => void = () => undefined) {
    this.#onWrite = onWrite;
  }

  /** The store port for one caller, whose operations go through `perform`. */
  port(perform: (operation: Operation) => Promise<unknown>): Store {
    type Effect = Operation["effect"];
    const ask = (
      name: keyof Store,
      container: ContainerName,
      id: string,
      effect: Effect,
      mayBeStale = false,
    ) => perform({ name, container, id, effect, isWrite: WRITES.includes(name), mayBeStale });
    const query = async (
      name: keyof Store,
      container: ContainerName,
      partition: string | undefined,
      what: Query,
      fields: readonly string[] | "all",
    ): Promise<unknown> => {
      assertQuery(container, what, fields);
      const effect: Effect = (when) => this.#query(container, partition, what, fields, when);
      return ask(name, container, "", effect, what.freshness === "stale_ok");
    };
    const port = {
      create: (container: ContainerName, doc: Doc) =>
        ask("create", container, doc.id, () => this.#create(container, doc)),
      read: (container: ContainerName, partition: string, id: string) =>
        ask("read", container, id, () => this.#stored(key(container, partition, id))),
      replaceIfMatch: (container: ContainerName, doc: Doc, etag: string) =>
        ask("replaceIfMatch", container, doc.id, () => this.#replace(container, doc, etag)),
      deleteIfMatch: (container: ContainerName, partition: string, id: string, etag: string) =>
        ask("deleteIfMatch", container, id, () => this.#delete(container, partition, id, etag)),
      query: (container: ContainerName, partition: string, what: Query, fields: readonly string[] | "all") =>
        query("query", container, partition, what, fields),
      queryEveryPartition: (container: ContainerName, what: Query, fields: readonly string[] | "all") =>
        query("queryEveryPartition", container, undefined, what, fields),
      count: async (container: ContainerName, partition: string, where: readonly Condition[]) => {
        assertConditions(where);
        return ask("count", container, "", () => this.#select(container, partition, where, "now").length);
      },
      ping: () => Promise.resolve(),
    };
    return port as unknown as Store;
  }

  /** The documents as they are, to begin another run from. */
  snapshot(): ReadonlyMap<string, Version> {
    return new Map(this.#documents);
  }

  restore(snapshot: ReadonlyMap<string, Version>): void {
    this.#documents = new Map(snapshot);
    this.#former.clear();
  }

  /** All documents of a container, for whoever judges the whole. */
  all(container: ContainerName): Doc[] {
    return this.#select(container, undefined, [], "now");
  }

  get(container: ContainerName, partition: string, id: string): Doc | undefined {
    return (this.#stored(key(container, partition, id)) as Stored<Doc> | undefined)?.doc;
  }

  /** What tells this state from others. */
  fingerprint(): string {
    return [...this.#documents.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { json, version }]) => `${name}@${version}${json}`)
      .join("\n");
  }

  #stored(name: string): { doc: unknown; etag: string } | undefined {
    const found = this.#documents.get(name);
    return found && { doc: JSON.parse(found.json), etag: String(found.version) };
  }

  #put(container: ContainerName, name: string, doc: Doc | undefined, version: number): void {
    const before = this.#documents.get(name);
    this.#former.set(name, before);
    const json = doc === undefined ? undefined : JSON.stringify(doc);
    if (json === undefined) this.#documents.delete(name);
    else this.#documents.set(name, { json, version });
    this.#onWrite({
      container,
      before: before && (JSON.parse(before.json) as Doc),
      after: json === undefined ? undefined : (JSON.parse(json) as Doc),
    });
  }

  #create(container: ContainerName, doc: Doc): unknown {
    const partition = partitionOf(container, doc);
    const name = key(container, partition, doc.id);
    const taken = this.#documents.has(name) || this.#breaksUniqueKey(container, partition, doc);
    if (taken) return { kind: "exists" };
    const version = (this.#deleted.get(name) ?? 0) + 1;
    this.#put(container, name, doc, version);
    return { kind: "created", etag: String(version) };
  }

  #breaksUniqueKey(container: ContainerName, partition: string, doc: Doc): boolean {
    const uniqueKeys = containers.find(({ id }) => id === container)?.uniqueKeyPolicy.uniqueKeys ?? [];
    const others = this.#select(container, partition, [], "now");
    return uniqueKeys.some(({ paths }) =>
      others.some(
        (other) => other.id !== doc.id && paths.every((path) => other[path.slice(1)] === doc[path.slice(1)]),
      ),
    );
  }

  #replace(container: ContainerName, doc: Doc, etag: string): unknown {
    const name = key(container, partitionOf(container, doc), doc.id);
    const found = this.#documents.get(name);
    if (found === undefined) return { kind: "missing" };
    if (String(found.version) !== etag) return { kind: "etag_mismatch" };
    const breaks = this.#breaksUniqueKey(container, partitionOf(container, doc), doc);
    if (breaks) throw new Error(`${container}: another document has this unique key`);
    this.#put(container, name, doc, found.version + 1);
    return { kind: "replaced", etag: String(found.version + 1) };
  }

  #delete(container: ContainerName, partition: string, id: string, etag: string): unknown {
    const name = key(container, partition, id);
    const found = this.#documents.get(name);
    if (found === undefined) return { kind: "missing" };
    if (String(found.version) !== etag) return { kind: "etag_mismatch" };
    this.#deleted.set(name, found.version);
    this.#put(container, name, undefined, 0);
    return { kind: "deleted" };
  }

  #select(
    container: ContainerName,
    partition: string | undefined,
    where: readonly Condition[],
    when: "now" | "one version late",
  ): Doc[] {
    const documents = when === "now" ? this.#documents : this.#stale();
    const prefix = partition === undefined ? `${container}/` : `${container}/${partition}/`;
    return [...documents.entries()]
      .filter(([name]) => name.startsWith(prefix))
      .map(([, { json }]) => JSON.parse(json) as Doc)
      .filter((doc) => where.every((condition) => holds(condition, doc[condition.field])));
  }

  #stale(): Map<string, Version> {
    const stale = new Map(this.#documents);
    for (const [name, version] of this.#former) {
      if (version === undefined) stale.delete(name);
      else stale.set(name, version);
    }
    return stale;
  }

  #query(
    container: ContainerName,
    partition: string | undefined,
    what: Query,
    fields: readonly string[] | "all",
    when: "now" | "one version late",
  ): unknown {
    const found = this.#select(container, partition, what.where, when)
      .filter((doc) => what.orderBy.every(({ field }) => doc[field] !== undefined))
      .sort((a, b) => compare(what, values(what, a), values(what, b)))
      .filter((doc) => what.after === undefined || compare(what, values(what, doc), what.after) > 0);
    const value = found
      .slice(0, what.limit)
      .map((doc) =>
        fields === "all"
          ? doc
          : Object.fromEntries(fields.filter((f) => doc[f] !== undefined).map((f) => [f, doc[f]])),
      );
    return { value, more: found.length > what.limit };
  }
}

function key(container: ContainerName, partition: string, id: string): string {
  return `${container}/${partition}/${id}`;
}

function partitionOf(container: ContainerName, doc: Doc): string {
  return String(doc[partitionFields[container]]);
}
