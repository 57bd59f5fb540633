/** What an actor asks of the simulated store, and what is in it. */
import type { Store } from "../../shared/core/ports/store.js";
import type { ContainerName } from "../../shared/schema/containers.js";

export type Doc = Record<string, unknown> & { id: string };

export interface Version {
  readonly json: string;
  readonly version: number;
  /** What the JSON says, to judge by: never handed to the coordinator, which gets its own copy. */
  readonly doc: Doc;
}

/** All documents of a moment. */
export type Snapshot = ReadonlyMap<ContainerName, ReadonlyMap<string, Version>>;

/** One operation on its way to the store. */
export interface Operation {
  readonly name: keyof Store;
  readonly container: ContainerName;
  readonly id: string;
  readonly isWrite: boolean;
  /** Whether an older answer is allowed. */
  readonly mayBeStale: boolean;
  /** What a write would put there. */
  readonly doc?: Doc;
  /** Makes it happen, on the documents as they are now or, for a stale answer, were one version earlier. */
  readonly effect: (when: "now" | "one version late") => unknown;
}

/** What a write did. */
export interface Written {
  readonly container: ContainerName;
  readonly before: Doc | undefined;
  readonly after: Doc | undefined;
}
