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
import { groupCommit } from "./sqlite-commits.js";
import type { Commits } from "./sqlite-commits.js";
import { assertConditions, assertQuery } from "./query-rules.js";
import { toStoreError } from "./sqlite-errors.js";
import { countSql, projectionColumn, projectionColumns, selectSql } from "./sqlite-query.js";
import type { SqlStatement } from "./sqlite-query.js";
import { checkSound, createSchema, SQLITE_SCHEMA_VERSION } from "./sqlite-schema.js";

/**
 * How long a statement waits for another process's write lock. It blocks the thread meanwhile, which a
 * laptop's coordinator can bear; a write takes about a millisecond, so this long means something is stuck.
 */
const BUSY_MS_MAX = 5000;
/**
 * Bytes of a page, in files that are made from now on. A job of 1.5 KB fills a third of SQLite's usual page, and
 * each time it grows its neighbours are moved; in a page of this size the body lies apart. Claiming and
 * shipping such a job writes 40 KB instead of 144, one of 4 KB 61 instead of 196, of 16 KB 149 instead of 321.
 */
const PAGE_BYTES = 2048;
/** Pages in the log before they are put in their places: 16 MB. A page that changes often is put there once. */
const LOG_PAGES = 8000;
/** Query texts differ by the length of their lists; past this many the cache is dropped and begun again. */
const STATEMENTS_MAX = 256;
/** A version's name: fresh for each write, so that A → B → A is not taken for A. */
const FRESH_ETAG = "lower(hex(randomblob(8)))";

export interface SqliteStore extends Store {
  /** Gives the file back. Whatever is asked afterwards is answered `StoreUnavailable`. */
  close(): void;
}

export interface SqliteOptions {
  readonly path: string;
  /**
   * `full`, unless said otherwise, survives a power cut as well, for one wait for the disk per transaction;
   * `normal` only a crash of the process. What was answered with 2xx is the product: it is worth the wait.
   */
  readonly synchronous?: "full" | "normal";
}

/**
 * Opens the embedded store, making the file, its folder and its tables where they are missing. Throws
 * an Error that names the file when it is no database, is damaged, can't be opened, or is of a newer version.
 */
export function openSqliteStore({ path, synchronous = "full" }: SqliteOptions): SqliteStore {
  const db = openDatabase(path, synchronous);
  const statement = statementCache(db);
  const commits = groupCommit(db);
  return {
    ...writeOperations(statement, commits),
    ...readOperations(statement),
    close: () => {
      if (!db.isOpen) return;
      commits.flush();
      db.close();
    },
  };
}

/** A statement of this text, prepared once. */
type Statements = (text: string) => StatementSync;

function writeOperations(
  statement: Statements,
  commits: Commits,
): Pick<Store, "create" | "replaceIfMatch" | "deleteIfMatch"> {
  const one = (sql: string, ...values: string[]) => statement(sql).get(...values);
  /** Why a write under an etag changed nothing: asked in the same transaction. */
  const whyRefused = (container: ContainerName, partition: string, id: string) =>
    one(`SELECT 1 FROM ${container} WHERE pk = ? AND id = ?`, partition, id) === undefined
      ? { kind: "missing" as const }
      : { kind: "etag_mismatch" as const };
  // What depends on the document is made at once: the caller may change it before its turn comes.
  return {
    create: async (container, doc) => {
      const values = [partitionOf(container, doc), doc.id, JSON.stringify(doc)];
      // ON CONFLICT without a target means the primary key and every unique key.
      const sql = `INSERT INTO ${container} (pk, id, etag, body) VALUES (?, ?, ${FRESH_ETAG}, ?)
        ON CONFLICT DO NOTHING RETURNING etag`;
      return commits.write((): CreateOutcome => {
        const row = one(sql, ...values);
        return row === undefined ? { kind: "exists" } : { kind: "created", etag: text(row, "etag") };
      });
    },
    replaceIfMatch: async (container, doc, etag) => {
      const partition = partitionOf(container, doc);
      const { id } = doc;
      const body = JSON.stringify(doc);
      const sql = `UPDATE ${container} SET etag = ${FRESH_ETAG}, body = ?
        WHERE pk = ? AND id = ? AND etag = ? RETURNING etag`;
      return commits.write((): ReplaceOutcome => {
        const row = one(sql, body, partition, id, etag);
        return row === undefined
          ? whyRefused(container, partition, id)
          : { kind: "replaced", etag: text(row, "etag") };
      });
    },
    deleteIfMatch: (container, partition, id, etag) =>
      commits.write((): DeleteOutcome => {
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

function openDatabase(path: string, synchronous: "full" | "normal"): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    db = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${synchronous.toUpperCase()}; PRAGMA wal_autocheckpoint = ${LOG_PAGES};`);
    checkSound(db);
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
