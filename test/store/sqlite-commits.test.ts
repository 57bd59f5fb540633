/** Group commit: what writes that come together are promised, on a file that can be full, locked or broken. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { groupCommit } from "../../shared/store/sqlite-commits.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import type { SqliteStore } from "../../shared/store/sqlite-store.js";
import { aFolder } from "../support/scratch.js";
import { aJob, aQuery, createJobs, idsOf } from "./fixtures.js";

let path: string;
const opened: { close(): void }[] = [];

beforeEach(async () => {
  path = join(await aFolder(), "fleet.db");
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function open(): SqliteStore {
  const store = openSqliteStore({ path });
  opened.push(store);
  return store;
}

/** Another connection to the file, which waits for nobody. */
function raw(): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  opened.push(db);
  return db;
}

/** From now on no transaction commits that stores a job of this id; each of its statements succeeds. */
function breakCommitsOf(id: string): void {
  raw().exec(`
    CREATE TABLE nobody (id INTEGER PRIMARY KEY);
    CREATE TABLE broken (id INTEGER REFERENCES nobody (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER breaks AFTER INSERT ON fleet_jobs WHEN NEW.id = '${id}'
      BEGIN INSERT INTO broken VALUES (1); END`);
}

/** "created", "exists" …, or the name of the error, of each. */
async function told(asked: readonly Promise<{ kind: string }>[]): Promise<string[]> {
  const settled = await Promise.allSettled(asked);
  return settled.map((one) =>
    one.status === "fulfilled" ? one.value.kind : one.reason instanceof Error ? one.reason.name : "?",
  );
}

const create = (store: SqliteStore, ids: readonly string[]) =>
  ids.map((id) => store.create("fleet_jobs", aJob(id)));
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `job-${1000 + n}`);

describe("writes that come together", () => {
  it("are each judged on their own, in the order in which they came, and see those before them", async () => {
    const store = open();
    const [etag = ""] = await createJobs(store, [aJob("a")]);
    const outcomes = await told([
      store.create("fleet_jobs", aJob("b")),
      store.create("fleet_jobs", aJob("b")),
      store.replaceIfMatch("fleet_jobs", aJob("a", { attempt: 1 }), etag),
      store.replaceIfMatch("fleet_jobs", aJob("a", { attempt: 2 }), etag),
      store.replaceIfMatch("fleet_jobs", aJob("c"), etag),
      store.deleteIfMatch("fleet_jobs", "acme", "a", etag),
      store.deleteIfMatch("fleet_jobs", "acme", "c", etag),
    ]);
    expect(outcomes).toEqual([
      "created",
      "exists",
      "replaced",
      "etag_mismatch",
      "missing",
      "etag_mismatch",
      "missing",
    ]);
    expect((await store.read("fleet_jobs", "acme", "a"))?.doc.attempt).toBe(1);
  });

  it("do not fail with one that SQLite refuses for itself", async () => {
    const store = open();
    const [etag = ""] = await createJobs(store, [aJob("a"), aJob("b")]);
    const thief = store.replaceIfMatch("fleet_jobs", aJob("a", { idempotencyKey: "key-of-b" }), etag);
    expect(await told([...create(store, ["c"]), thief, ...create(store, ["d"])])).toEqual([
      "created",
      "Error",
      "created",
    ]);
    await expect(thief).rejects.toThrow("UNIQUE constraint failed");
    expect(await idsOf(store, aQuery())).toEqual(["a", "b", "c", "d"]);
    expect((await store.read("fleet_jobs", "acme", "a"))?.etag).toBe(etag);
  });

  it("are all refused when their commit fails, leave nothing behind, and the next one is done", async () => {
    const store = open();
    breakCommitsOf("bad");
    const asked = create(store, ["a", "bad", "b"]);
    expect(await told(asked)).toEqual(["StoreUnavailable", "StoreUnavailable", "StoreUnavailable"]);
    expect(await idsOf(open(), aQuery())).toEqual([]);
    expect(await told(create(store, ["c"]))).toEqual(["created"]);
    expect(await idsOf(open(), aQuery())).toEqual(["c"]);
  });

  it("or alone, are never said to be done when their commit failed", async () => {
    // node:sqlite's get() throws away what goes wrong after the first row: a commit of its own would.
    const store = open();
    breakCommitsOf("bad");
    expect(await told(create(store, ["bad"]))).toEqual(["StoreUnavailable"]);
    expect(await store.read("fleet_jobs", "acme", "bad")).toBeUndefined();
  });

  it("are seen by nobody before they are answered, and by everybody after it", async () => {
    const [store, other] = [open(), open()];
    const waits = store.create("fleet_jobs", aJob("a"));
    expect(await idsOf(store, aQuery())).toEqual([]);
    expect(await idsOf(other, aQuery())).toEqual([]);
    await waits;
    expect(await idsOf(store, aQuery())).toEqual(["a"]);
    expect(await idsOf(other, aQuery())).toEqual(["a"]);
  });

  it("store the documents as they were when it was asked", async () => {
    const store = open();
    const job = aJob("a");
    const waits = store.create("fleet_jobs", job);
    job.attempt = 7;
    await waits;
    expect((await store.read("fleet_jobs", "acme", "a"))?.doc).toEqual(aJob("a"));
  });

  it("may be more than one transaction takes", async () => {
    const store = open();
    const ids = numbered(600);
    expect(new Set(await told(create(store, ids)))).toEqual(new Set(["created"]));
    expect(await store.count("fleet_jobs", "acme", [])).toBe(600);
  });

  it("are written before the store closes, and refused after it", async () => {
    const store = open();
    const waiting = create(store, numbered(300));
    store.close();
    const late = create(store, ["late"]);
    expect(new Set(await told(waiting))).toEqual(new Set(["created"]));
    expect(await told(late)).toEqual(["StoreUnavailable"]);
    expect(await open().count("fleet_jobs", "acme", [])).toBe(300);
  });

  it("wait for the disk, unless the store was opened without that", () => {
    const told = vi.spyOn(DatabaseSync.prototype, "exec");
    open();
    expect(told.mock.calls.flat().join()).toContain("synchronous = FULL");
    told.mockClear();
    opened.push(openSqliteStore({ path, synchronous: "normal" }));
    expect(told.mock.calls.flat().join()).toContain("synchronous = NORMAL");
    told.mockRestore();
  });
});

describe("a group of writes", () => {
  const table = (db: DatabaseSync) => {
    db.exec("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL UNIQUE)");
    const insert = db.prepare("INSERT INTO notes VALUES (?) RETURNING text");
    const commits = groupCommit(db);
    const note = (text: string) =>
      commits.write(() => {
        insert.get(text);
        return { kind: "noted" };
      });
    const count = () => db.prepare("SELECT COUNT(*) AS found FROM notes").get()?.["found"];
    return { note, count };
  };
  const large = (n: number) => String(n).repeat(50_000);

  it("is refused as a whole on a full disk, and the store goes on when there is room", async () => {
    const db = raw();
    const { note, count } = table(db);
    await note("first");
    db.exec("PRAGMA max_page_count = 20");
    const refused = await told([note("small"), note(large(1)), note(large(2)), note("other")]);
    expect(refused).toEqual(Array.from({ length: 4 }, () => "StoreUnavailable"));
    expect(count()).toBe(1);
    db.exec("PRAGMA max_page_count = 1000");
    expect(await told([note("small"), note(large(1))])).toEqual(["noted", "noted"]);
    expect(count()).toBe(3);
  });

  it("is surely not done while another process keeps the write lock, and done when it asks again", async () => {
    const { note, count } = table(raw());
    const other = raw();
    other.exec("BEGIN IMMEDIATE");
    const [first, second] = await Promise.allSettled([note("a"), note("b")]);
    expect([first, second]).toMatchObject([
      { reason: expect.any(StoreThrottled) as unknown },
      { reason: expect.any(StoreThrottled) as unknown },
    ]);
    other.exec("ROLLBACK");
    expect(count()).toBe(0);
    expect(await told([note("a"), note("b")])).toEqual(["noted", "noted"]);
  });

  it("that was broken by one statement's outage tells that outage to all of it", async () => {
    const db = raw();
    const { note } = table(db);
    db.exec("PRAGMA max_page_count = 20");
    const [small] = await Promise.allSettled([note("small"), note(large(3))]);
    expect(small).toMatchObject({ reason: new StoreUnavailable("the disk is full") });
  });
});

describe("two connections that write groups to one file", () => {
  /** Counts a job up as another process would: in transactions of its own, as fast as it can. */
  const countsUp = `
    const { workerData, parentPort } = require("node:worker_threads");
    const { DatabaseSync } = require("node:sqlite");
    const db = new DatabaseSync(workerData.path, { timeout: 5000 });
    parentPort.postMessage("begun");
    for (let n = 0; n < workerData.times; n++) {
      db.exec(\`BEGIN IMMEDIATE;
        UPDATE fleet_jobs SET etag = lower(hex(randomblob(8))),
          body = json_set(body, '$.attempt', json_extract(body, '$.attempt') + 1) WHERE id = 'job-1';
        COMMIT\`);
    }
    db.close();`;

  it("lose no update, though each waits for the other's lock", async () => {
    const store = open();
    await createJobs(store, [aJob("job-1", { attempt: 0 })]);
    const [writers, rounds, times] = [8, 10, 200];
    const worker = new Worker(countsUp, { eval: true, workerData: { path, times } });
    const ended = new Promise((resolve, reject) => {
      worker.once("exit", resolve);
      worker.once("error", reject);
    });
    await new Promise((resolve) => worker.once("message", resolve));
    const countUp = async () => {
      for (let done = 0; done < rounds;) {
        const read = await store.read("fleet_jobs", "acme", "job-1");
        if (read === undefined) throw new Error("the job is gone");
        const next = { ...read.doc, attempt: read.doc.attempt + 1 };
        if ((await store.replaceIfMatch("fleet_jobs", next, read.etag)).kind === "replaced") done++;
      }
    };
    await Promise.all(Array.from({ length: writers }, countUp));
    await ended;
    expect((await store.read("fleet_jobs", "acme", "job-1"))?.doc.attempt).toBe(writers * rounds + times);
  });
});
