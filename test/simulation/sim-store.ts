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
import { SentContent } from "./content.js";
import type { Content, Doc, Operation, Reply } from "./operation.js";
import { DELETED, EXISTS, MISMATCH, MISSING, NOTHING, number, written } from "./replies.js";
import { SimDocuments, key } from "./sim-documents.js";
import { compare, values } from "./sim-query.js";
import type { ContainerName } from "../../shared/schema/containers.js";

type Effect = Operation["effect"];

const WRITES: readonly (keyof Store)[] = ["create", "replaceIfMatch", "deleteIfMatch"];

export class SimStore extends SimDocuments {
  /** The store port for one caller, whose operations go through `perform`. */
  port(perform: (operation: Operation) => Promise<unknown>): Store {
    const ask = (name: keyof Store, container: ContainerName, id: string, effect: Effect) =>
      perform({ name, container, id, effect, isWrite: WRITES.includes(name), mayBeStale: false });
    const put = (name: keyof Store, container: ContainerName, doc: Doc, etag?: string) => {
      // What is sent is what it says now, whatever its sender does to it afterwards.
      const content = new SentContent(JSON.stringify(doc));
      const effect = this.#putting(container, content, etag);
      return perform({ name, container, id: doc.id, effect, isWrite: true, mayBeStale: false, content });
    };
    const query = async (
      name: keyof Store,
      container: ContainerName,
      partition: string | undefined,
      what: Query,
      fields: readonly string[] | "all",
    ): Promise<unknown> => {
      assertQuery(container, what, fields);
      const effect = this.#asking(container, partition, what, fields);
      const mayBeStale = what.freshness === "stale_ok";
      return perform({ name, container, id: "", effect, isWrite: false, mayBeStale });
    };
    const port = {
      create: (container: ContainerName, doc: Doc) => put("create", container, doc),
      read: (container: ContainerName, partition: string, id: string) =>
        ask("read", container, id, this.#reading(container, partition, id)),
      replaceIfMatch: (container: ContainerName, doc: Doc, etag: string) =>
        put("replaceIfMatch", container, doc, etag),
      deleteIfMatch: (container: ContainerName, partition: string, id: string, etag: string) =>
        ask("deleteIfMatch", container, id, this.#deleting(container, partition, id, etag)),
      query: (container: ContainerName, partition: string, what: Query, fields: readonly string[] | "all") =>
        query("query", container, partition, what, fields),
      queryEveryPartition: (container: ContainerName, what: Query, fields: readonly string[] | "all") =>
        query("queryEveryPartition", container, undefined, what, fields),
      count: async (container: ContainerName, partition: string, where: readonly Condition[]) => {
        assertConditions(where);
        return ask("count", container, "", this.#counting(container, partition, where));
      },
      ping: () => Promise.resolve(),
    };
    return port as unknown as Store;
  }

  // Each effect is made in a method of its own: it is remembered for long, and should hold no more than it needs.

  #putting(container: ContainerName, content: Content, etag: string | undefined): Effect {
    return () =>
      etag === undefined ? this.#create(container, content) : this.#replace(container, content, etag);
  }

  #reading(container: ContainerName, partition: string, id: string): Effect {
    return () => this.#stored(container, partition, id);
  }

  #deleting(container: ContainerName, partition: string, id: string, etag: string): Effect {
    return () => this.#delete(container, partition, id, etag);
  }

  #counting(container: ContainerName, partition: string, where: readonly Condition[]): Effect {
    return () => number(this.select(container, partition, where, "now").length);
  }

  #asking(
    container: ContainerName,
    partition: string | undefined,
    what: Query,
    fields: readonly string[] | "all",
  ): Effect {
    return (when) => this.#query(container, partition, what, fields, when);
  }

  #stored(container: ContainerName, partition: string, id: string): Reply {
    const found = this.in(container).get(key(container, partition, id));
    if (found === undefined) return NOTHING;
    const { content, version } = found;
    return {
      text: `${version}:${content.digest}`,
      value: () => ({ doc: content.copy("all"), etag: String(version) }),
    };
  }

  #create(container: ContainerName, content: Content): Reply {
    const { doc } = content;
    const partition = partitionOf(container, doc);
    const name = key(container, partition, doc.id);
    const taken = this.in(container).has(name) || this.#breaksUniqueKey(container, partition, doc);
    if (taken) return EXISTS;
    const version = (this.deleted.get(name) ?? 0) + 1;
    this.put(container, name, content, version);
    return written("created", version);
  }

  #breaksUniqueKey(container: ContainerName, partition: string, doc: Doc): boolean {
    const uniqueKeys = containers.find(({ id }) => id === container)?.uniqueKeyPolicy.uniqueKeys ?? [];
    if (uniqueKeys.length === 0) return false;
    const others = this.select(container, partition, [], "now");
    return uniqueKeys.some(({ paths }) =>
      others.some(
        ({ content: { doc: other } }) =>
          other.id !== doc.id && paths.every((path) => other[path.slice(1)] === doc[path.slice(1)]),
      ),
    );
  }

  #replace(container: ContainerName, content: Content, etag: string): Reply {
    const { doc } = content;
    const partition = partitionOf(container, doc);
    const name = key(container, partition, doc.id);
    const found = this.in(container).get(name);
    if (found === undefined) return MISSING;
    if (String(found.version) !== etag) return MISMATCH;
    const breaks = this.#breaksUniqueKey(container, partition, doc);
    if (breaks) throw new Error(`${container}: another document has this unique key`);
    this.put(container, name, content, found.version + 1);
    return written("replaced", found.version + 1);
  }

  #delete(container: ContainerName, partition: string, id: string, etag: string): Reply {
    const name = key(container, partition, id);
    const found = this.in(container).get(name);
    if (found === undefined) return MISSING;
    if (String(found.version) !== etag) return MISMATCH;
    this.deleted.set(name, found.version);
    this.put(container, name, undefined, 0);
    return DELETED;
  }

  #query(
    container: ContainerName,
    partition: string | undefined,
    what: Query,
    fields: readonly string[] | "all",
    when: "now" | "one version late",
  ): Reply {
    const found = this.select(container, partition, what.where, when)
      .map(({ content }) => content)
      .filter(({ doc }) => what.orderBy.every(({ field }) => doc[field] !== undefined))
      .filter(({ doc }) => what.after === undefined || compare(what, values(what, doc), what.after) > 0)
      .sort((a, b) => compare(what, values(what, a.doc), values(what, b.doc)));
    const shown = found.slice(0, what.limit);
    const more = found.length > what.limit;
    return {
      text: `${shown.map((content) => content.shown(fields)).join("|")}${more ? "|more" : ""}`,
      value: () => ({ value: shown.map((content) => content.copy(fields)), more }),
    };
  }
}

function partitionOf(container: ContainerName, doc: Doc): string {
  return String(doc[partitionFields[container]]);
}
