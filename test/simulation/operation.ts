/** What an actor asks of the simulated store, and what is in it. */
import type { Store } from "../../shared/core/ports/store.js";
import type { ContainerName } from "../../shared/schema/containers.js";

export type Doc = Record<string, unknown> & { id: string };

/** What a document says. */
export interface Content {
  readonly json: string;
  /** To judge by: never handed to the coordinator, which gets its own copy. */
  readonly doc: Doc;
  /** Two contents alike have the same. */
  readonly digest: string;
  /** A copy of these of its fields. */
  copy(fields: readonly string[] | "all"): unknown;
  /** What tells such a copy from others of the same fields. */
  shown(fields: readonly string[] | "all"): string;
}

export interface Version {
  readonly content: Content;
  readonly version: number;
  /** What tells it from all others: which document, which version, and what it says. */
  readonly line: string;
}

/** All documents of a moment. */
export type Snapshot = ReadonlyMap<ContainerName, ReadonlyMap<string, Version>>;

/** What the store answers: a text that tells it from other answers, and a copy for whoever asked. */
export interface Reply {
  readonly text: string;
  readonly value: () => unknown;
}

/** An operation fails: as a text that tells how from others, and as the error for whoever asked. */
export interface Refusal {
  readonly text: string;
  readonly error: () => Error;
}

/** What comes of an operation, for whoever waits for it. */
export type Outcome = Reply | Refusal;

/** One operation on its way to the store. */
export interface Operation {
  readonly name: keyof Store;
  readonly container: ContainerName;
  readonly id: string;
  readonly isWrite: boolean;
  /** Whether an older answer is allowed. */
  readonly mayBeStale: boolean;
  /** What a write would put there. */
  readonly content?: Content;
  /** Makes it happen, on the documents as they are now or, for a stale answer, were one version earlier. */
  readonly effect: (when: "now" | "one version late") => Reply;
}

/** What a write did. */
export interface Written {
  readonly container: ContainerName;
  readonly before: Doc | undefined;
  readonly after: Doc | undefined;
}
