/**
 * The store port on one SQLite file, or in memory: what `npm start` and most tests run on. Several
 * connections and processes may share a file; SQLite's write lock puts their writes in a row.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
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
import { assertConditions, assertQuery } from "./query-rules.js";
import { toStoreError } from "./sqlite-errors.js";
import { countSql, projectionColumn, projectionColumns, selectSql } from "./sqlite-query.js";
import type { SqlStatement } from "./sqlite-query.js";
import { createSchema, SQLITE_SCHEMA_VERSION } from "./sqlite-schema.js";

/**
 * How long a statement waits for another process's write lock. It blocks the thread meanwhile, which a
 * laptop's coordinator can bear; a write takes about a millisecond, so this long means something is stuck.
 */
const BUSY_MS_MAX = 5000;
/** Query texts differ by the length of their lists; past this many the cache is dropped and begun again. */
const STATEMENTS_MAX = 256;
/** A version's name: fresh for each write, so that A → B → A is not taken for A. */
const FRESH_ETAG = "lower(hex(randomblob(8)))";

export interface SqliteStore extends Store {
  /** Gives the file back. Whatever is asked afterwards is answered `StoreUnavailable`. */
  close(): void;
}

/**
 * Opens the embedded store, making the file, its folder and its tables where they are missing. Throws
 * an Error that names the file when it is no database, can't be opened, or is of a newer version.
 */
export function openSqliteStore(options: { path: string }): SqliteStore {
  const db = openDatabase(options.path);
  const statement = statementCache(db);
  return {
    ...writeOperations(statement),
    ...readOperations(statement),
    close: () => {
      if (db.isOpen) db.close();
    },
  };
}

/** A statement of this text, prepared once. */
type Statements = (text: string) => StatementSync;

function writeOperations(statement: Statements): Pick<Store, "create" | "replaceIfMatch" | "deleteIfMatch"> {
  const one = (sql: string, ...values: string[]) => statement(sql).get(...values);
  /** Why a write under an etag changed nothing. Another process may have been quicker; each answer was true. */
  const whyRefused = (container: ContainerName, partition: string, id: string) =>
    one(`SELECT 1 FROM ${container} WHERE pk = ? AND id = ?`, partition, id) === undefined
      ? { kind: "missing" as const }
      : { kind: "etag_mismatch" as const };
  return {
    create: (container, doc) =>
      answer((): CreateOutcome => {
        // ON CONFLICT without a target means the primary key and every unique key.
        const row = one(
          `INSERT INTO ${container} (pk, id, etag, body) VALUES (?, ?, ${FRESH_ETAG}, ?)
           ON CONFLICT DO NOTHING RETURNING etag`,
          partitionOf(container, doc),
          doc.id,
          JSON.stringify(doc),
        );
        return row === undefined ? { kind: "exists" } : { kind: "created", etag: text(row, "etag") };
      }),
    replaceIfMatch: (container, doc, etag) =>
      answer((): ReplaceOutcome => {
        const partition = partitionOf(container, doc);
        const row = one(
          `UPDATE ${container} SET etag = ${FRESH_ETAG}, body = ?
           WHERE pk = ? AND id = ? AND etag = ? RETURNING etag`,
          JSON.stringify(doc),
          partition,
          doc.id,
          etag,
        );
        return row === undefined
          ? whyRefused(container, partition, doc.id)
          : { kind: "replaced", etag: text(row, "etag") };
      }),
    deleteIfMatch: (container, partition, id, etag) =>
      answer((): DeleteOutcome => {
        const sql = `DELETE FROM ${container} WHERE pk = ? AND id = ? AND etag = ? RETURNING etag`;
        const row = one(sql, partition, id, etag);
        return row === undefined ? whyRefused(container, partition, id) : { kind: "deleted" };
      }),
  };
}

function readOperations(
  statement: Statements,
): Pick<Store, "read" | "query" | "queryEveryPartition" | "count" | "ping"> {
  const all = (sql: SqlStatement): Row[] => statement(sql.text).all(...sql.values);
  const page = <T>(
    container: ContainerName,
    partition: string | undefined,
    query: Query,
    fields: Fields,
  ): Page<T> => {
    assertQuery(container, query, fields);
    // One more than asked tells whether there is more.
    const rows = all(selectSql(container, partition, query, projectionColumns(fields), query.limit + 1));
    return {
      value: rows.slice(0, query.limit).map((row) => fromRow(row, fields) as T),
      more: rows.length > query.limit,
    };
  };
  return {
    read: <C extends ContainerName>(container: C, partition: string, id: string) =>
      answer((): Stored<Documents[C]> | undefined => {
        const row = statement(`SELECT etag, body FROM ${container} WHERE pk = ? AND id = ?`).get(
          partition,
          id,
        );
        return row && { doc: JSON.parse(text(row, "body")) as Documents[C], etag: text(row, "etag") };
      }),
    query: (container, partition, query, fields) => answer(() => page(container, partition, query, fields)),
    queryEveryPartition: (container, query, fields) =>
      answer(() => page(container, undefined, query, fields)),
    count: (container, partition, where) =>
      answer(() => {
        assertConditions(where);
        return Number(all(countSql(container, partition, where))[0]?.["found"]);
      }),
    ping: () =>
      answer(() => {
        statement("SELECT COUNT(*) FROM sqlite_schema").get();
      }),
  };
}

type Fields = readonly string[] | "all";
type Row = Record<string, unknown>;

function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    db = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
    // FULL also survives a power cut, for about 1 ms per write on an SSD; NORMAL only a crash of the
    // process. What was answered with 2xx is the product: it is worth the fsync.
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    migrate(db);
    return db;
  } catch (error) {
    if (db?.isOpen === true) db.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`can't open the embedded store ${path}: ${why}`, { cause: error });
  }
}

function migrate(db: DatabaseSync): void {
  // IMMEDIATE: two processes that start on a new file make its tables one after the other.
  db.exec("BEGIN IMMEDIATE");
  try {
    const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > SQLITE_SCHEMA_VERSION) {
      throw new Error(
        `it was written by a newer release (schema ${version}, this one knows ${SQLITE_SCHEMA_VERSION})`,
      );
    }
    createSchema(db);
    db.exec(`PRAGMA user_version = ${SQLITE_SCHEMA_VERSION}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Does `work` at once and answers as the port does: what it throws, mapped, rejects the promise. */
function answer<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    try {
      resolve(work());
    } catch (error) {
      throw toStoreError(error);
    }
  });
}

function statementCache(db: DatabaseSync): Statements {
  const prepared = new Map<string, StatementSync>();
  return (text) => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    if (prepared.size >= STATEMENTS_MAX) prepared.clear();
    const made = db.prepare(text);
    prepared.set(text, made);
    return made;
  };
}

/** The document, or the properties asked for that it has. */
function fromRow(row: Row, fields: Fields): unknown {
  if (fields === "all") return JSON.parse(text(row, "body"));
  const present = fields.filter((field) => row[projectionColumn(field)] !== null);
  return Object.fromEntries(
    present.map((field) => [field, JSON.parse(text(row, projectionColumn(field))) as unknown]),
  );
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new Error(`the embedded store: ${column} is not text`);
  return value;
}
