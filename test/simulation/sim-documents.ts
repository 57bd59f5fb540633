/** The documents of the simulation, in memory: as they are, as they were before, and as a stale answer shows them. */
import type { Condition } from "../../shared/core/ports/store.js";
import { containers } from "../../shared/schema/containers.js";
import type { ContainerName } from "../../shared/schema/containers.js";
import { Memory } from "./memory.js";
import type { KeptMap } from "./memory.js";
import type { Content, Doc, Snapshot, Version, Written } from "./operation.js";
import { holds } from "./sim-query.js";

export class SimDocuments {
  /** By container, then by partition and id. */
  readonly #documents: ReadonlyMap<ContainerName, KeptMap<string, Version>>;
  /** What a stale answer shows: each document as it was before it was last written. */
  readonly #former: KeptMap<string, Version | undefined>;
  /** The last version of what is gone: its etag must not come back with another document. */
  protected readonly deleted: KeptMap<string, number>;
  readonly #onWrite: (written: Written) => void;

  constructor(onWrite: (written: Written) => void = () => undefined, memory = new Memory()) {
    this.#onWrite = onWrite;
    this.#documents = new Map(containers.map(({ id }) => [id, memory.map<string, Version>()]));
    this.#former = memory.map();
    this.deleted = memory.map();
  }

  /** The documents as they are, to begin another run from. */
  snapshot(): Snapshot {
    return new Map([...this.#documents].map(([container, versions]) => [container, new Map(versions)]));
  }

  restore(snapshot: Snapshot): void {
    for (const [container, versions] of this.#documents) versions.fill(snapshot.get(container) ?? []);
    this.#former.fill([]);
  }

  /** All documents of a container, for whoever judges the whole. */
  all(container: ContainerName): Doc[] {
    return this.select(container, undefined, [], "now").map(({ content }) => content.doc);
  }

  get(container: ContainerName, partition: string, id: string): Doc | undefined {
    return this.in(container).get(key(container, partition, id))?.content.doc;
  }

  /** What tells this state from others; with what a stale answer would show, where one may still come. */
  fingerprint(withStale: boolean): string {
    const containers = [...this.#documents.values()].map((versions) => versions.about(linesOf));
    if (withStale) containers.push(this.#former.about(formerly));
    return containers.join("\n");
  }

  protected in(container: ContainerName): KeptMap<string, Version> {
    const found = this.#documents.get(container);
    if (found === undefined) throw new Error(`there is no container ${container}`);
    return found;
  }

  protected put(container: ContainerName, name: string, content: Content | undefined, version: number): void {
    const documents = this.in(container);
    const before = documents.get(name);
    this.#former.set(name, before);
    if (content === undefined) documents.delete(name);
    else documents.set(name, { content, version, line: `${name}@${version}:${content.digest}` });
    this.#onWrite({ container, before: before?.content.doc, after: content?.doc });
  }

  protected select(
    container: ContainerName,
    partition: string | undefined,
    where: readonly Condition[],
    when: "now" | "one version late",
  ): Version[] {
    const documents = when === "now" ? this.in(container) : this.#stale(container);
    const prefix = partition === undefined ? "" : key(container, partition, "");
    return [...documents]
      .filter(
        ([name, { content }]) =>
          name.startsWith(prefix) &&
          where.every((condition) => holds(condition, content.doc[condition.field])),
      )
      .map(([, version]) => version);
  }

  #stale(container: ContainerName): ReadonlyMap<string, Version> {
    const stale = new Map(this.in(container));
    for (const [name, version] of this.#former) {
      if (!name.startsWith(`${container}/`)) continue;
      if (version === undefined) stale.delete(name);
      else stale.set(name, version);
    }
    return stale;
  }
}

const joined = (lines: readonly string[]): string => lines.toSorted().join("\n");

function linesOf(versions: ReadonlyMap<string, Version>): string {
  return joined(Array.from(versions.values(), ({ line }) => line));
}

function formerly(former: ReadonlyMap<string, Version | undefined>): string {
  return joined(Array.from(former, ([name, was]) => `${name} was ${was?.content.digest ?? "nothing"}`));
}

export function key(container: ContainerName, partition: string, id: string): string {
  return `${container}/${partition}/${id}`;
}
