/**
 * The store of the simulation: documents in memory behind the store port. What happens, and when, is
 * decided elsewhere: each operation is handed to `perform` as two halves, its effect and its answer.
 *
 * Etags count the versions of one document, so that two orders of events that lead to the same
 * documents lead to the same state.
 */
import { assertConditions, assertQuery } from "../../shared/store/query-rules.js";
import type { Condition, Query, Store } from "../../shared/core/ports/store.js";
import { containers, partitionFields } from "../../shared/schema/containers.js";
import type { Doc, Operation, Snapshot, Version, Written } from "./operation.js";
import { compare, holds, values } from "./sim-query.js";
import type { ContainerName } from "../../shared/schema/containers.js";

const WRITES: readonly (keyof Store)[] = ["create", "replaceIfMatch", "deleteIfMatch"];

export class SimStore {
  /** By container, then by partition and id. */
  #documents = new Map<ContainerName, Map<string, Version>>();
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
    const ask = (name: keyof Store, container: ContainerName, id: string, effect: Effect, doc?: Doc) =>
      perform({
        name,
        container,
        id,
        effect,
        isWrite: WRITES.includes(name),
        mayBeStale: false,
        ...(doc && { doc }),
      });
    const query = async (
      name: keyof Store,
      container: ContainerName,
      partition: string | undefined,
      what: Query,
      fields: readonly string[] | "all",
    ): Promise<unknown> => {
      assertQuery(container, what, fields);
      const effect: Effect = (when) => this.#query(container, partition, what, fields, when);
      const mayBeStale = what.freshness === "stale_ok";
      return perform({ name, container, id: "", effect, isWrite: false, mayBeStale });
    };
    const port = {
      create: (container: ContainerName, doc: Doc) =>
        ask("create", container, doc.id, () => this.#create(container, doc), doc),
      read: (container: ContainerName, partition: string, id: string) =>
        ask("read", container, id, () => this.#stored(container, partition, id)),
      replaceIfMatch: (container: ContainerName, doc: Doc, etag: string) =>
        ask("replaceIfMatch", container, doc.id, () => this.#replace(container, doc, etag), doc),
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
  snapshot(): Snapshot {
    return new Map([...this.#documents].map(([container, versions]) => [container, new Map(versions)]));
  }

  restore(snapshot: Snapshot): void {
    this.#documents = new Map([...snapshot].map(([container, versions]) => [container, new Map(versions)]));
    this.#former.clear();
  }

  /** All documents of a container, for whoever judges the whole. */
  all(container: ContainerName): Doc[] {
    return this.#select(container, undefined, [], "now").map(({ doc }) => doc);
  }

  get(container: ContainerName, partition: string, id: string): Doc | undefined {
    return this.#find(container, partition, id)?.doc;
  }

  /** What tells this state from others; with what a stale answer would show, where one may still come. */
  fingerprint(withStale: boolean): string {
    const former = [...this.#former].map(([name, version]) => `${name} was ${version?.json ?? "nothing"}`);
    return [...this.#documents.values()]
      .flatMap((versions) => [...versions])
      .map(([name, { json, version }]) => `${name}@${version}${json}`)
      .concat(withStale ? former : [])
      .sort()
      .join("\n");
  }

  #in(container: ContainerName): Map<string, Version> {
    const found = this.#documents.get(container) ?? new Map<string, Version>();
    this.#documents.set(container, found);
    return found;
  }

  #find(container: ContainerName, partition: string, id: string): Version | undefined {
    return this.#documents.get(container)?.get(key(container, partition, id));
  }

  #stored(
    container: ContainerName,
    partition: string,
    id: string,
  ): { doc: unknown; etag: string } | undefined {
    const found = this.#find(container, partition, id);
    return found && { doc: JSON.parse(found.json), etag: String(found.version) };
  }

  #put(container: ContainerName, name: string, doc: Doc | undefined, version: number): void {
    const documents = this.#in(container);
    const before = documents.get(name);
    this.#former.set(name, before);
    if (doc === undefined) {
      documents.delete(name);
      this.#onWrite({ container, before: before?.doc, after: undefined });
      return;
    }
    const json = JSON.stringify(doc);
    const after = JSON.parse(json) as Doc;
    documents.set(name, { json, version, doc: after });
    this.#onWrite({ container, before: before?.doc, after });
  }

  #create(container: ContainerName, doc: Doc): unknown {
    const partition = partitionOf(container, doc);
    const name = key(container, partition, doc.id);
    const taken = this.#in(container).has(name) || this.#breaksUniqueKey(container, partition, doc);
    if (taken) return { kind: "exists" };
    const version = (this.#deleted.get(name) ?? 0) + 1;
    this.#put(container, name, doc, version);
    return { kind: "created", etag: String(version) };
  }

  #breaksUniqueKey(container: ContainerName, partition: string, doc: Doc): boolean {
    const uniqueKeys = containers.find(({ id }) => id === container)?.uniqueKeyPolicy.uniqueKeys ?? [];
    if (uniqueKeys.length === 0) return false;
    const others = this.#select(container, partition, [], "now");
    return uniqueKeys.some(({ paths }) =>
      others.some(
        ({ doc: other }) =>
          other.id !== doc.id && paths.every((path) => other[path.slice(1)] === doc[path.slice(1)]),
      ),
    );
  }

  #replace(container: ContainerName, doc: Doc, etag: string): unknown {
    const name = key(container, partitionOf(container, doc), doc.id);
    const found = this.#in(container).get(name);
    if (found === undefined) return { kind: "missing" };
    if (String(found.version) !== etag) return { kind: "etag_mismatch" };
    const breaks = this.#breaksUniqueKey(container, partitionOf(container, doc), doc);
    if (breaks) throw new Error(`${container}: another document has this unique key`);
    this.#put(container, name, doc, found.version + 1);
    return { kind: "replaced", etag: String(found.version + 1) };
  }

  #delete(container: ContainerName, partition: string, id: string, etag: string): unknown {
    const name = key(container, partition, id);
    const found = this.#in(container).get(name);
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
  ): Version[] {
    const documents = when === "now" ? this.#in(container) : this.#stale(container);
    const prefix = partition === undefined ? "" : key(container, partition, "");
    return [...documents]
      .filter(
        ([name, { doc }]) =>
          name.startsWith(prefix) && where.every((condition) => holds(condition, doc[condition.field])),
      )
      .map(([, version]) => version);
  }

  #stale(container: ContainerName): Map<string, Version> {
    const stale = new Map(this.#in(container));
    for (const [name, version] of this.#former) {
      if (!name.startsWith(`${container}/`)) continue;
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
      .filter(({ doc }) => what.orderBy.every(({ field }) => doc[field] !== undefined))
      .filter(({ doc }) => what.after === undefined || compare(what, values(what, doc), what.after) > 0)
      .sort((a, b) => compare(what, values(what, a.doc), values(what, b.doc)));
    const value = found.slice(0, what.limit).map(({ json }) => {
      const doc = JSON.parse(json) as Doc;
      if (fields === "all") return doc;
      return Object.fromEntries(fields.filter((f) => doc[f] !== undefined).map((f) => [f, doc[f]]));
    });
    return { value, more: found.length > what.limit };
  }
}

function key(container: ContainerName, partition: string, id: string): string {
  return `${container}/${partition}/${id}`;
}

function partitionOf(container: ContainerName, doc: Doc): string {
  return String(doc[partitionFields[container]]);
}
