import type { z } from "zod";
import { documentSchemas } from "../../schema/containers.js";
import type { ContainerName, Documents } from "../../schema/containers.js";
import type { CreateOutcome, DeleteOutcome, ReplaceOutcome, Store, Stored } from "../ports/store.js";

/** What every repository offers. A write of a document that breaks its schema throws and writes nothing. */
export interface Collection<C extends ContainerName> {
  /** Creates the document, unless its id is taken. */
  readonly create: (doc: Documents[C]) => Promise<CreateOutcome>;
  /** The document with its etag, or undefined. */
  readonly get: (partition: string, id: string) => Promise<Stored<Documents[C]> | undefined>;
  /** Replaces what `read` holds by `next`, if nobody changed it in between. */
  readonly replaceIfMatch: (read: Stored<Documents[C]>, next: Documents[C]) => Promise<ReplaceOutcome>;
}

export function collection<C extends ContainerName>(store: Store, container: C): Collection<C> {
  const schema: z.ZodType = documentSchemas[container];
  // The document itself is written, not what the schema made of it: properties that a newer version
  // of the code added must survive being written by this one.
  const valid = (doc: Documents[C]): Documents[C] => {
    schema.parse(doc);
    return doc;
  };
  return {
    create: async (doc) => store.create(container, valid(doc)),
    get: (partition, id) => store.read(container, partition, id),
    replaceIfMatch: async (read, next) => store.replaceIfMatch(container, valid(next), read.etag),
  };
}

/** Deletion under an etag, for the containers whose documents may go. Jobs never do: they become tombstones. */
export function deletion(store: Store, container: Exclude<ContainerName, "fleet_jobs">) {
  return {
    deleteIfMatch: (partition: string, read: Stored<{ id: string }>): Promise<DeleteOutcome> =>
      store.deleteIfMatch(container, partition, read.doc.id, read.etag),
  };
}
