/** The invariants of docs/protocol.md, held against every write of a real store, in the order in which they happened. */
import type { Store } from "../../shared/core/ports/store.js";
import { partitionOf } from "../../shared/schema/containers.js";
import type { ContainerName, Documents } from "../../shared/schema/containers.js";
import { Memory } from "../simulation/memory.js";
import { Monitor } from "../simulation/monitor.js";
import type { Doc } from "../simulation/operation.js";
import { SimBlobs } from "../simulation/sim-blobs.js";
import { SimStore } from "../simulation/sim-store.js";

export class Watch {
  readonly monitor = new Monitor(new SimStore(), new SimBlobs(), new Memory());
  /** The first rule that was broken. */
  violation: Error | undefined;
  writes = 0;
  readonly #documents = new Map<string, Doc>();

  /** `after`: the document that was stored; undefined where it was deleted. */
  wrote(container: ContainerName, partition: string, id: string, after: Doc | undefined): void {
    const name = JSON.stringify([container, partition, id]);
    const before = this.#documents.get(name);
    if (after === undefined) this.#documents.delete(name);
    else this.#documents.set(name, after);
    this.writes++;
    this.monitor.step();
    try {
      this.monitor.wrote({ container, before, after }, "the app");
    } catch (error) {
      this.violation ??= error as Error;
    }
  }

  /** Every document of a container, as its last write left it. */
  documents(container: ContainerName): Doc[] {
    const prefix = `[${JSON.stringify(container)},`;
    return [...this.#documents].filter(([name]) => name.startsWith(prefix)).map(([, doc]) => doc);
  }

  /** Jobs of this idempotency key, of whatever product. */
  countOf(idempotencyKey: string): number {
    return this.documents("fleet_jobs").filter((job) => job["idempotencyKey"] === idempotencyKey).length;
  }

  /** What a factory did to a job at one epoch, claiming it included. */
  eventsBy({
    jobId,
    leaseEpoch,
    factoryId,
  }: {
    jobId: string;
    leaseEpoch: number;
    factoryId: string;
  }): number {
    const job = this.monitor.job(jobId);
    const all = Array.from({ length: job?.eventSeq ?? 0 }, (_, n) =>
      this.monitor.events.get(`${jobId}/${n + 1}`),
    );
    return all.filter((text) => {
      if (text === undefined) return false;
      const [, , actor, data] = JSON.parse(text) as [string, string, string, { leaseEpoch?: number }];
      return actor === factoryId && data.leaseEpoch === leaseEpoch;
    }).length;
  }

  /** The store, each of whose writes is seen here when it is known to have happened. */
  over(store: Store): Store {
    return {
      ...store,
      create: async (container, doc) => {
        const copy = copyOf(doc);
        const outcome = await store.create(container, doc);
        if (outcome.kind === "created") this.wrote(container, partitionOf(container, doc), doc.id, copy);
        return outcome;
      },
      replaceIfMatch: async <C extends ContainerName>(container: C, doc: Documents[C], etag: string) => {
        const copy = copyOf(doc);
        const outcome = await store.replaceIfMatch(container, doc, etag);
        if (outcome.kind === "replaced") this.wrote(container, partitionOf(container, doc), doc.id, copy);
        return outcome;
      },
      deleteIfMatch: async (container, partition, id, etag) => {
        const outcome = await store.deleteIfMatch(container, partition, id, etag);
        if (outcome.kind === "deleted") this.wrote(container, partition, id, undefined);
        return outcome;
      },
    };
  }
}

/** As it is stored: its caller may change the document while it waits. */
function copyOf(doc: unknown): Doc {
  return JSON.parse(JSON.stringify(doc)) as Doc;
}
