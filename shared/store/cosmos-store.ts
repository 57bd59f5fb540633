/** The store port on Azure Cosmos DB, for the NoSQL API: what the fleet runs on in the cloud. */
import type { Container, FeedOptions, ItemDefinition, SqlQuerySpec } from "@azure/cosmos";
import type {
  CreateOutcome,
  DeleteOutcome,
  Page,
  Query,
  ReplaceOutcome,
  Store,
  Stored,
} from "../core/ports/store.js";
import { partitionOf } from "../schema/containers.js";
import type { ContainerName, Documents } from "../schema/containers.js";
import { billTo } from "./cosmos-charge.js";
import type { Bill, Charged } from "./cosmos-charge.js";
import { connectCosmos } from "./cosmos-connection.js";
import type { CosmosConnection, CosmosOptions } from "./cosmos-connection.js";
import { isDocumentMissing, saysDocumentMissing, statusOf } from "./cosmos-errors.js";
import { countSpec, selectSpec } from "./cosmos-query.js";
import { assertConditions, assertQuery } from "./query-rules.js";

/** What Cosmos DB adds to each document. */
const SYSTEM_PROPERTIES = ["_rid", "_self", "_etag", "_attachments", "_ts"] as const;

/**
 * Opens the store without any I/O. The first operation checks the account, or makes an emulator's
 * containers; it throws `StoreMisconfigured` on an account with weaker consistency than Strong or with
 * several write regions. `charged` is told what each request cost.
 */
export function openCosmosStore(options: CosmosOptions & { readonly charged?: Charged | undefined }): Store {
  const connection = connectCosmos(options);
  const bill = billTo(options.charged);
  return { ...writeOperations(connection, bill), ...readOperations(connection, bill) };
}

function writeOperations(
  { use }: CosmosConnection,
  bill: Bill,
): Pick<Store, "create" | "replaceIfMatch" | "deleteIfMatch"> {
  return {
    create: (container, doc) =>
      use(container, async (c, abortSignal): Promise<CreateOutcome> => {
        try {
          const { etag } = await bill.awaiting(
            "create",
            container,
            c.items.create(asItem(doc), { abortSignal }),
          );
          return { kind: "created", etag };
        } catch (error) {
          if (statusOf(error) === 409) return { kind: "exists" };
          throw error;
        }
      }),
    // Replace, never upsert: that one creates a missing document even under If-Match.
    replaceIfMatch: async (container, doc, etag) => {
      const partition = partitionOf(container, doc);
      return use(container, (c, abortSignal) =>
        orRefusal(async (): Promise<ReplaceOutcome> => {
          const options = { abortSignal, accessCondition: ifMatch(etag) };
          const replacing = c.item(doc.id, partition).replace(asItem(doc), options);
          const response = await bill.awaiting("replaceIfMatch", container, replacing);
          return { kind: "replaced", etag: response.etag };
        }),
      );
    },
    deleteIfMatch: (container, partition, id, etag) =>
      use(container, (c, abortSignal) =>
        orRefusal(async (): Promise<DeleteOutcome> => {
          const options = { abortSignal, accessCondition: ifMatch(etag) };
          await bill.awaiting("deleteIfMatch", container, c.item(id, partition).delete(options));
          return { kind: "deleted" };
        }),
      ),
  };
}

function readOperations(
  { use, isEmulator }: CosmosConnection,
  bill: Bill,
): Pick<Store, "read" | "query" | "queryEveryPartition" | "count" | "ping"> {
  const select = async <T>(
    container: ContainerName,
    partition: string | undefined,
    query: Query,
    fields: readonly string[] | "all",
  ): Promise<Page<T>> => {
    assertQuery(container, query, fields);
    // One more than asked tells whether there is more.
    const wanted = query.limit + 1;
    const spec = selectSpec(container, partition, query, fields, wanted);
    // An emulator has one replica, and no weaker level to ask for.
    const weaker = query.freshness === "stale_ok" && !isEmulator ? { consistencyLevel: "Eventual" } : {};
    const operation = partition === undefined ? "queryEveryPartition" : "query";
    const billPage = (page: unknown): void => {
      bill.add(operation, container, page);
    };
    const found = await use(container, (c, abortSignal) => {
      const options = { ...scope(partition, abortSignal), ...weaker, maxItemCount: wanted };
      return upTo<T>(c, wanted, spec, options, billPage);
    });
    return { value: found.slice(0, query.limit).map(withoutSystem), more: found.length > query.limit };
  };
  return {
    read: <C extends ContainerName>(container: C, partition: string, id: string) =>
      use(container, async (c, abortSignal): Promise<Stored<Documents[C]> | undefined> => {
        const reading = c.item(id, partition).read<Documents[C]>({ abortSignal });
        const answer = await bill.awaiting("read", container, reading);
        if (answer.resource !== undefined) {
          return { doc: withoutSystem(answer.resource), etag: answer.etag };
        }
        assertMissing(answer);
        return undefined;
      }),
    query: (container, partition, query, fields) => select(container, partition, query, fields),
    queryEveryPartition: (container, query, fields) => select(container, undefined, query, fields),
    count: async (container, partition, where) => {
      assertConditions(where);
      const spec = countSpec(container, partition, where);
      const billPage = (page: unknown): void => {
        bill.add("count", container, page);
      };
      const parts = await use(container, (c, abortSignal) =>
        upTo<number>(c, Infinity, spec, scope(partition, abortSignal), billPage),
      );
      // A long count may come in parts, one for each page that the store took for it.
      return parts.reduce((sum, part) => sum + part, 0);
    },
    ping: () =>
      use("fleet_jobs", async (c, abortSignal) => {
        // A point read of nothing: the cheapest request that needs the right to read documents.
        assertMissing(
          await bill.awaiting("ping", "fleet_jobs", c.item("ping", "ping").read({ abortSignal })),
        );
      }),
  };
}

/** What `write` says, or why the store refused it under this etag. */
async function orRefusal<T>(
  write: () => Promise<T>,
): Promise<T | { kind: "missing" } | { kind: "etag_mismatch" }> {
  try {
    return await write();
  } catch (error) {
    if (statusOf(error) === 412) return { kind: "etag_mismatch" };
    if (saysDocumentMissing(error)) return { kind: "missing" };
    throw error;
  }
}

/**
 * A read gives a 404 as an answer instead of throwing it, whatever it says: that the document is not
 * there, that its container is not, or that a replica lags behind. Only the first is no error.
 */
function assertMissing(answer: { statusCode: number; substatus?: number }): void {
  if (isDocumentMissing(answer.statusCode, answer.substatus)) return;
  const { statusCode: code, substatus } = answer;
  throw Object.assign(new Error("a read without a document"), { code, substatus });
}

/** Written once, since the type spelled otherwise is sent as If-None-Match, and the write is unconditional. */
function ifMatch(etag: string): { type: string; condition: string } {
  return { type: "IfMatch", condition: etag };
}

function scope(partition: string | undefined, abortSignal: AbortSignal): FeedOptions {
  return partition === undefined ? { abortSignal } : { abortSignal, partitionKey: partition };
}

/** The first results of a query, `wanted` at most. Pages may be short or empty; the deadline ends them. */
async function upTo<T>(
  container: Container,
  wanted: number,
  spec: SqlQuerySpec,
  options: FeedOptions,
  billPage: (page: unknown) => void,
): Promise<T[]> {
  const found: T[] = [];
  for await (const page of container.items.query<T>(spec, options).getAsyncIterator()) {
    billPage(page);
    found.push(...page.resources);
    if (found.length >= wanted) break;
  }
  return found;
}

/** A copy, for the SDK may add to what it is given. */
function asItem(doc: object): ItemDefinition {
  return { ...doc };
}

function withoutSystem<T>(resource: T): T {
  const doc = { ...resource };
  for (const name of SYSTEM_PROPERTIES) Reflect.deleteProperty(doc as object, name);
  return doc;
}
