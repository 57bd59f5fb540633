/** What SQLite's result codes mean for the store port. */
import { StoreThrottled, StoreUnavailable } from "../core/ports/store.js";

/** Primary result codes (https://sqlite.org/rescode.html): the low byte of what node:sqlite reports. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
/** Nothing here quotes SQLite: its messages name files and columns, these may stand in any log. */
const OUTAGES: Readonly<Record<number, string>> = {
  3: "the database may not be opened (permissions)",
  7: "out of memory",
  8: "the database is read-only",
  10: "the disk reports an I/O error",
  11: "the database file is damaged",
  13: "the disk is full",
  14: "the database can't be opened",
  15: "the database's lock protocol failed",
  22: "the disk has no support for files this large",
  26: "the file is not a database",
};
/** Another process held the write lock for the whole busy timeout: the next try may come soon. */
const BUSY_RETRY_SECONDS = 1;

/** SQLite's primary result code, or undefined when the error is not SQLite's. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number")
    return undefined;
  return error.errcode & 0xff;
}

/** The port's error for one that node:sqlite threw; a programmer's error comes back as it is. */
export function toStoreError(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === SQLITE_BUSY || code === SQLITE_LOCKED) return new StoreThrottled(BUSY_RETRY_SECONDS, error);
  if (code !== undefined && OUTAGES[code] !== undefined) return new StoreUnavailable(OUTAGES[code], error);
  // node:sqlite's own complaint about a closed database has no SQLite code.
  if (error instanceof Error && "code" in error && error.code === "ERR_INVALID_STATE") {
    return new StoreUnavailable("the store is closed", error);
  }
  return error;
}
