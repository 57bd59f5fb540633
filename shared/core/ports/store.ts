/**
 * The store port: all that the fleet asks of a database.
 *
 * A document can be created, read, replaced or deleted *under the etag that was read*, and queried.
 * There is no unconditional write: whoever changes a document has read the version it replaces.
 *
 * Each operation touches one document of one partition; nothing here spans two. Reads, and queries
 * marked `fresh`, see every write that was acknowledged before they began.
 *
 * Expected answers are unions. An adapter throws only `StoreThrottled` (surely not done),
 * `StoreUnavailable` (a write may have happened, and may still happen later) and `StoreMisconfigured`
 * (nothing was done, and nothing will be until somebody changes a setting). A plain Error is a bug of
 * the caller: a query without its index, a replacement that takes another document's unique key.
 */
import type { ContainerName, Documents } from "../../schema/containers.js";

/** A document with the version of it that was read. */
export interface Stored<T> {
  readonly doc: T;
  /** The store's name for this version: opaque, good for one conditional write. */
  readonly etag: string;
}

export type CreateOutcome = { kind: "created"; etag: string } | { kind: "exists" };
export type ReplaceOutcome =
  { kind: "replaced"; etag: string } | { kind: "etag_mismatch" } | { kind: "missing" };
export type DeleteOutcome = { kind: "deleted" } | { kind: "etag_mismatch" } | { kind: "missing" };

type Scalar = string | number | boolean;

/**
 * One condition on a top-level property. Comparisons hold only for documents that have the property,
 * but for the `absent_or_…` ones. A property has one type wherever it occurs; what a number is
 * to a string is not defined. Strings compare by code unit.
 */
export type Condition =
  | { field: string; is: "equal" | "less" | "at_most" | "greater"; value: Scalar }
  | { field: string; is: "in"; values: readonly Scalar[] }
  | { field: string; is: "absent" }
  | { field: string; is: "absent_or_at_most"; value: Scalar }
  | { field: string; is: "absent_or_in"; values: readonly Scalar[] }
  /** The property is an array with this element. */
  | { field: string; is: "contains"; value: Scalar }
  /** The property is an array, and each of its elements is one of `values`. */
  | { field: string; is: "subset_of"; values: readonly Scalar[] };

export interface Order {
  readonly field: string;
  readonly direction: "ascending" | "descending";
}

export interface Query {
  /** All must hold. */
  readonly where: readonly Condition[];
  /**
   * A total order: its last field must be unique within the scope (`id`), unless one document is asked
   * for and any of those that tie will do. Every document that the conditions select must have every
   * field of it. Its fields need a composite index in containers.json.
   */
  readonly orderBy: readonly Order[];
  /** Documents at most, ≥ 1. */
  readonly limit: number;
  /** Continue after the document whose `orderBy` fields have these values. */
  readonly after?: readonly Scalar[] | undefined;
  /** `stale_ok`: an answer may be a moment old, which is cheaper; for hints that a write will judge again. */
  readonly freshness: "fresh" | "stale_ok";
}

export interface Page<T> {
  readonly value: readonly T[];
  /** Whether the scope may hold more documents behind the last one. */
  readonly more: boolean;
}

export interface Store {
  /** Creates a document whose id, and unique keys, are free in its partition. */
  create<C extends ContainerName>(container: C, doc: Documents[C]): Promise<CreateOutcome>;
  /** The document, or undefined when there is none. Always fresh. */
  read<C extends ContainerName>(
    container: C,
    partition: string,
    id: string,
  ): Promise<Stored<Documents[C]> | undefined>;
  /** Replaces the document if it still has this etag; never creates one. */
  replaceIfMatch<C extends ContainerName>(
    container: C,
    doc: Documents[C],
    etag: string,
  ): Promise<ReplaceOutcome>;
  /** Deletes the document if it still has this etag. */
  deleteIfMatch(
    container: ContainerName,
    partition: string,
    id: string,
    etag: string,
  ): Promise<DeleteOutcome>;
  /** Documents of one partition, only the `fields` asked for. */
  query<C extends ContainerName, K extends keyof Documents[C] & string>(
    container: C,
    partition: string,
    query: Query,
    fields: readonly K[] | "all",
  ): Promise<Page<Pick<Documents[C], K>>>;
  /** The same over every partition. For the reaper alone: no request may wait for it. */
  queryEveryPartition<C extends ContainerName, K extends keyof Documents[C] & string>(
    container: C,
    query: Query,
    fields: readonly K[] | "all",
  ): Promise<Page<Pick<Documents[C], K>>>;
  /** How many documents of one partition satisfy all conditions. */
  count(container: ContainerName, partition: string, where: readonly Condition[]): Promise<number>;
  /** Resolves when the store answers; throws `StoreUnavailable` when it does not. */
  ping(): Promise<void>;
}

/** The store refused for load: the operation was not done, and will not be. */
export class StoreThrottled extends Error {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number, cause?: unknown) {
    super("the store is throttling", { cause });
    this.name = "StoreThrottled";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * The store gave no answer that can be trusted. A write may have happened, or may happen yet: only a
 * later read that shows its effect proves it.
 */
export class StoreUnavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StoreUnavailable";
  }
}

/** The store can't be used as it is set up: a refused credential, an account too weak. Says what is wrong. */
export class StoreMisconfigured extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StoreMisconfigured";
  }
}
