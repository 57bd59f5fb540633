import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";
import { openCosmosStore } from "../../shared/store/cosmos-store.js";
import { startCosmosEmulator } from "../../host/cosmos-emulator.js";
import type { CosmosEmulator } from "../../host/cosmos-emulator.js";
import { startFaultProxy } from "./fault-proxy.js";
import type { Fault, FaultProxy } from "./fault-proxy.js";
import { aJob, aQuery } from "./fixtures.js";

let emulator: CosmosEmulator;
let proxy: FaultProxy;
let store: Store;
let etag: string;
const waits: number[] = [];
let databases = 0;

const open = (deadlines = { requestMs: 5000, operationMs: 10_000 }, database = `db${databases}`) =>
  openCosmosStore({
    endpoint: proxy.endpoint,
    database,
    credential: { kind: "key", key: emulator.key },
    deadlines,
    pause: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  });
const throttled = (ms: number): Fault => ({
  kind: "answer",
  status: 429,
  headers: { "x-ms-retry-after-ms": String(ms) },
});
const answers = (status: number, substatus?: number): Fault => ({
  kind: "answer",
  status,
  headers: substatus === undefined ? {} : { "x-ms-substatus": String(substatus) },
});
const replaced = () => store.replaceIfMatch("fleet_jobs", aJob("job-1", { attempt: 7 }), etag);
const attemptNow = async () => (await store.read("fleet_jobs", "acme", "job-1"))?.doc.attempt;

beforeAll(async () => {
  emulator = await startCosmosEmulator();
  proxy = await startFaultProxy(emulator.endpoint);
});
afterAll(async () => {
  await proxy.stop();
  await emulator.stop();
});
beforeEach(async () => {
  databases++;
  proxy.next();
  store = open();
  const made = await store.create("fleet_jobs", aJob("job-1"));
  if (made.kind !== "created") throw new Error(made.kind);
  etag = made.etag;
  waits.length = 0;
  proxy.requests.length = 0;
});

describe("throttling (429)", () => {
  it("is waited out as long as the store asks, and nobody hears of it", async () => {
    proxy.next(throttled(1200), throttled(0));
    expect(await replaced()).toMatchObject({ kind: "replaced" });
    expect(waits).toEqual([1200, 100]);
  });

  it("is passed on after five seconds of waiting, with the seconds to wait from then on", async () => {
    proxy.next(...Array.from({ length: 6 }, () => throttled(1001)));
    const error: unknown = await replaced().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreThrottled);
    expect(error).toMatchObject({ retryAfterSeconds: 2 });
    expect(waits).toEqual([1001, 1001, 1001, 1001]);
    proxy.next(throttled(0));
    expect(await attemptNow()).toBe(0);
  });

  it("is passed on at once when the wait would be longer than that", async () => {
    proxy.next(throttled(30_000));
    await expect(replaced()).rejects.toMatchObject({ name: "StoreThrottled", retryAfterSeconds: 30 });
    expect(waits).toEqual([]);
  });

  it("of a query is waited out too", async () => {
    proxy.next(throttled(300), throttled(300));
    const page = await store.query("fleet_jobs", "acme", aQuery(), ["id"]);
    expect(page.value).toEqual([{ id: "job-1" }]);
  });
});

describe("a write whose outcome is unknown", () => {
  it.each([
    ["408", answers(408)],
    ["410", answers(410)],
    ["449", answers(449)],
    ["500", answers(500)],
    ["503", answers(503)],
    ["a page of HTML from a gateway", { kind: "answer", status: 502, body: "<html>" }],
    ["403 while a region fails over", answers(403, 3)],
    ["403 from a full partition", answers(403, 1014)],
    ["404 from a replica that lags behind", answers(404, 1002)],
    ["a reset before the store saw it", { kind: "reset_before" }],
  ] satisfies [string, Fault][])("is StoreUnavailable, and sent once: %s", async (_what, fault) => {
    proxy.next(fault);
    await expect(replaced()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(proxy.requests).toHaveLength(1);
    expect(await attemptNow()).toBe(0);
  });

  it.each([
    ["a reset after the store did it", { kind: "reset_after" }],
    ["503 after the store did it", { kind: "answer_after", status: 503 }],
  ] satisfies [string, Fault][])("may have happened: %s", async (_what, fault) => {
    proxy.next(fault);
    await expect(replaced()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(proxy.requests).toHaveLength(1);
    expect(await attemptNow()).toBe(7);
  });

  it("is not told that it exists: a create that lost its answer is sent once", async () => {
    proxy.next({ kind: "reset_after" });
    await expect(store.create("fleet_jobs", aJob("job-2"))).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.create("fleet_jobs", aJob("job-2"))).toEqual({ kind: "exists" });
  });

  it("is so for a delete", async () => {
    proxy.next({ kind: "reset_after" });
    const deletion = store.deleteIfMatch("fleet_jobs", "acme", "job-1", etag);
    await expect(deletion).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.read("fleet_jobs", "acme", "job-1")).toBeUndefined();
  });
});

describe("a store that does not answer", () => {
  it("is given up after one request's deadline", async () => {
    await open().ping();
    store = open({ requestMs: 40, operationMs: 10_000 });
    await store.ping();
    proxy.next({ kind: "silence" });
    await expect(replaced()).rejects.toMatchObject({ name: "StoreUnavailable" });
  });

  it("is given up after the operation's deadline, however often the SDK would try again", async () => {
    store = open({ requestMs: 5000, operationMs: 150 });
    await store.ping();
    // The SDK repeats a read after a reset, ten times, a second apart.
    proxy.next(...Array.from({ length: 10 }, (): Fault => ({ kind: "reset_before" })));
    const error: unknown = await store.read("fleet_jobs", "acme", "job-1").catch((thrown: unknown) => thrown);
    expect(String(error)).toBe("StoreUnavailable: Cosmos DB did not answer within 150 ms");
  });
});

describe("a read that says nothing about the document", () => {
  it.each([
    ["503", answers(503)],
    ["404 from a replica that lags behind", answers(404, 1002)],
  ])("is not taken for a missing one: %s", async (_what, fault) => {
    proxy.next(fault, fault, fault);
    const read = store.read("fleet_jobs", "acme", "job-1");
    await expect(read).rejects.toBeInstanceOf(StoreUnavailable);
  });
});

describe("a wrong setting", () => {
  it.each([
    ["a refused credential (401)", answers(401)],
    ["a missing role or a firewall (403)", answers(403)],
    ["a missing database or container (404, 1003)", answers(404, 1003)],
  ])("is StoreMisconfigured, for a read, a write and a ping: %s", async (_what, fault) => {
    for (const attempt of [replaced, attemptNow, () => store.ping()]) {
      proxy.next(fault);
      await expect(attempt()).rejects.toBeInstanceOf(StoreMisconfigured);
    }
  });
});

describe("a request that Cosmos DB calls bad", () => {
  it.each([400, 413])("is a bug, a plain Error: %i", async (status) => {
    proxy.next(answers(status));
    await expect(replaced()).rejects.toMatchObject({ name: "Error" });
  });
});

describe("the first operation", () => {
  it("makes database and containers; when that fails, the next one tries again", async () => {
    const fresh = open(undefined, "fresh");
    proxy.nextOf("/dbs", answers(503));
    await expect(fresh.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(fresh.ping()).resolves.toBeUndefined();
  });

  it("finds them there when another instance was quicker, and makes them once however many ask", async () => {
    const [one, two] = [open(undefined, "shared"), open(undefined, "shared")];
    await Promise.all([one.ping(), two.ping(), one.ping(), two.ping()]);
    expect(proxy.requests.filter((line) => line === "POST /dbs")).toHaveLength(2);
  });
});

describe("what is thrown", () => {
  it("holds neither the document nor the credential of the request that failed", async () => {
    proxy.next({ kind: "reset_before" });
    const error: unknown = await replaced().catch((thrown: unknown) => thrown);
    const everything = inspect(error, { depth: Infinity, showHidden: true });
    expect(everything).toContain("ECONNRESET");
    expect(everything).not.toMatch(/authorization|key-of-job-1/i);
  });
});
