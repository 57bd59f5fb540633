import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { toStoreError } from "../../shared/store/sqlite-errors.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import type { SqliteStore } from "../../shared/store/sqlite-store.js";
import { aDocument } from "../support/documents.js";
import { aJob, aQuery, createJobs, idsOf } from "./fixtures.js";

let folder: string;
let path: string;
const opened: { close(): void }[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-sqlite-"));
  path = join(folder, "fleet.db");
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  rmSync(folder, { recursive: true });
});

function open(): SqliteStore {
  const store = openSqliteStore({ path });
  opened.push(store);
  return store;
}

function raw(options: { timeout?: number; readOnly?: boolean } = {}): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0, ...options });
  opened.push({
    close: () => {
      if (db.isOpen) db.close();
    },
  });
  return db;
}

/** The error that `work` throws. */
function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a store in a file", () => {
  it("that an older release wrote gets the tables and indexes that it lacks, and goes on", async () => {
    const before = open();
    await createJobs(before, [aJob("job-1")]);
    before.close();
    const old = raw({ timeout: 1000 });
    old.exec("DROP TABLE fleet_totals; DROP INDEX fleet_jobs_all_stage_stageChangedAt_id;");
    old.exec("DROP INDEX fleet_runs_all_uncounted_id;");
    old.close();
    const after = open();
    expect(await idsOf(after, aQuery())).toEqual(["job-1"]);
    expect(await after.create("fleet_totals", aDocument.fleet_totals())).toMatchObject({ kind: "created" });
    const index = raw({ readOnly: true }).prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
    expect(index.get("fleet_jobs_all_stage_stageChangedAt_id")).toBeDefined();
  });

  it("that an older release wrote loses the indexes of ours that nothing asks, and no others", () => {
    open().close();
    const old = raw();
    old.exec(`CREATE INDEX fleet_leases_by_status_expiresAt_id ON fleet_leases (pk, json_extract(body, '$.status'));
      CREATE INDEX somebody_elses ON fleet_leases (etag)`);
    old.close();
    open();
    const index = raw({ readOnly: true }).prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
    expect(index.get("fleet_leases_by_status_expiresAt_id")).toBeUndefined();
    expect(index.get("somebody_elses")).toBeDefined();
    expect(index.get("fleet_leases_all_status_expiresAt_id")).toBeDefined();
  });

  it("has its documents and their etags still after it was closed and opened again", async () => {
    const before = open();
    const [etag = ""] = await createJobs(before, [aJob("job-1")]);
    before.close();
    const after = open();
    expect(await after.read("fleet_jobs", "acme", "job-1")).toEqual({ doc: aJob("job-1"), etag });
    const outcome = await after.replaceIfMatch("fleet_jobs", aJob("job-1", { attempt: 1 }), etag);
    expect(outcome).toMatchObject({ kind: "replaced" });
  });

  it("shows each connection what another one wrote, at once", async () => {
    const [one, two] = [open(), open()];
    await createJobs(one, [aJob("a")]);
    expect(await idsOf(two, aQuery())).toEqual(["a"]);
    expect(await two.create("fleet_jobs", aJob("a"))).toEqual({ kind: "exists" });
  });

  it("loses no update of two connections that count together", async () => {
    const [one, two] = [open(), open()];
    await createJobs(one, [aJob("job-1")]);
    const rounds = 50;
    const mismatches: string[] = [];
    const countUp = async (store: SqliteStore) => {
      for (let done = 0; done < rounds;) {
        const read = await store.read("fleet_jobs", "acme", "job-1");
        if (read === undefined) throw new Error("the job is gone");
        const next = { ...read.doc, attempt: read.doc.attempt + 1 };
        const outcome = await store.replaceIfMatch("fleet_jobs", next, read.etag);
        if (outcome.kind === "replaced") done++;
        else mismatches.push(outcome.kind);
      }
    };
    await Promise.all([countUp(one), countUp(two)]);
    expect((await one.read("fleet_jobs", "acme", "job-1"))?.doc.attempt).toBe(2 * rounds);
    expect(mismatches.length).toBeGreaterThan(0);
  });

  it("is made of small pages, so that a job that grows does not move its neighbours", async () => {
    await createJobs(open(), [aJob("a")]);
    expect(raw().prepare("PRAGMA page_size").get()).toEqual({ page_size: 2048 });
  });

  it("makes the folders on the way to it", () => {
    path = join(folder, "some", "where", "fleet.db");
    expect(() => open()).not.toThrow();
  });

  it("keeps a write-ahead log, so that nobody who reads waits for one who writes", async () => {
    const store = open();
    await createJobs(store, [aJob("a")]);
    expect(raw().prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    raw().exec("BEGIN IMMEDIATE; DELETE FROM fleet_jobs");
    expect(await idsOf(store, aQuery())).toEqual(["a"]);
  });
});

describe("opening a store", () => {
  it("names a file that is no database, and leaves it as it is", () => {
    const text = "dear diary, ".repeat(500);
    writeFileSync(path, text);
    expect(() => open()).toThrow(`${path}: file is not a database`);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("names a file that can't be opened", () => {
    mkdirSync(path);
    expect(() => open()).toThrow(path);
    path = join(folder, "file", "fleet.db");
    writeFileSync(join(folder, "file"), "");
    expect(() => open()).toThrow(path);
  });

  it("refuses a file of a newer release, by name and number, and leaves it as it is", () => {
    open().close();
    const db = raw();
    db.exec("PRAGMA user_version = 7; DROP TABLE fleet_jobs");
    expect(() => open()).toThrow(`${path}: it was written by a newer release (schema 7, this one knows 1)`);
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'fleet_jobs'").all()).toEqual([]);
  });

  it("finds nothing to do where the tables are made already", () => {
    open();
    expect(() => open()).not.toThrow();
  });
});

describe("when SQLite can't, the store", () => {
  it("says it is throttled while another process keeps the write lock: surely not done", () => {
    open();
    raw().exec("BEGIN IMMEDIATE");
    const error = toStoreError(
      errorOf(() => {
        raw().exec("BEGIN IMMEDIATE");
      }),
    );
    expect(error).toBeInstanceOf(StoreThrottled);
    expect(error).toMatchObject({ retryAfterSeconds: 1 });
  });

  it("says it is unavailable on a full disk, a read-only file and a damaged one, without naming any", () => {
    open();
    const insert = "INSERT INTO fleet_jobs VALUES ('acme', 'x', 'e', json_quote(hex(zeroblob(100000))))";
    const full = raw();
    full.exec("PRAGMA max_page_count = 1");
    const errors = [
      errorOf(() => {
        full.exec(insert);
      }),
      errorOf(() => {
        raw({ readOnly: true }).exec(insert);
      }),
    ];
    path = join(folder, "damaged.db");
    writeFileSync(path, "no database ".repeat(500));
    errors.push(
      errorOf(() => {
        raw().exec("SELECT * FROM sqlite_schema");
      }),
    );
    const mapped = errors.map(toStoreError);
    for (const error of mapped) {
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect(String(error)).not.toContain(folder);
    }
    expect(mapped.map(String)).toEqual([
      "StoreUnavailable: the disk is full",
      "StoreUnavailable: the database is read-only",
      "StoreUnavailable: the file is not a database",
    ]);
  });

  it("says it is unavailable once it is closed, whatever is asked; closing twice is closing once", async () => {
    const store = open();
    await createJobs(store, [aJob("job-1")]);
    store.close();
    store.close();
    for (const asked of [
      store.read("fleet_jobs", "acme", "job-1"),
      store.create("fleet_jobs", aJob("job-2")),
      store.query("fleet_jobs", "acme", aQuery(), "all"),
      store.ping(),
    ]) {
      await expect(asked).rejects.toBeInstanceOf(StoreUnavailable);
    }
  });

  it("leaves a programmer's error what it is", () => {
    const error = errorOf(() => raw().prepare("SELECT nonsense"));
    expect(toStoreError(error)).toBe(error);
  });
});
