import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { StoreMisconfigured, StoreUnavailable } from "../../shared/core/ports/store.js";
import { accountFault } from "../../shared/store/cosmos-account.js";
import type { CosmosOptions } from "../../shared/store/cosmos-connection.js";
import { openCosmosStore } from "../../shared/store/cosmos-store.js";
import { startCosmosEmulator } from "../../host/cosmos-emulator.js";
import type { CosmosEmulator } from "../../host/cosmos-emulator.js";
import { aJob, aQuery } from "./fixtures.js";

const region = (name: string) => ({ name, databaseAccountEndpoint: `https://fleet-${name}.example/` });

const sound = {
  id: "fleet",
  writableLocations: [region("north")],
  readableLocations: [region("north")],
  enableMultipleWriteLocations: false,
  userConsistencyPolicy: { defaultConsistencyLevel: "Strong" },
};

describe("an account", () => {
  const report = {
    consistencyPolicy: "Strong",
    enableMultipleWritableLocations: false,
    writableLocations: [{}],
  };

  it("is trusted with Strong consistency and one write region", () => {
    expect(accountFault(report)).toBeUndefined();
  });

  it.each(["BoundedStaleness", "Session", "ConsistentPrefix", "Eventual"])(
    "is not trusted with %s consistency, and the message says what to set",
    (consistencyPolicy) => {
      const fault = accountFault({ ...report, consistencyPolicy });
      expect(fault).toContain(`is ${consistencyPolicy}; it must be Strong`);
    },
  );

  it("is not trusted with several write regions, whichever way it says so", () => {
    for (const several of [{ enableMultipleWritableLocations: true }, { writableLocations: [{}, {}] }]) {
      expect(accountFault({ ...report, ...several })).toContain("several write regions");
    }
  });
});

/**
 * An account behind https, as a managed identity wants it: the SDK's own pipeline, with its requests
 * handed to the emulator where they would leave the process.
 */
describe("a store with a managed identity", () => {
  let emulator: CosmosEmulator;
  let account: object;
  const sent: { method: string; path: string; headers: Headers }[] = [];

  const httpClient: NonNullable<CosmosOptions["httpClient"]> = {
    sendRequest: async (request) => {
      const { pathname } = new URL(request.url);
      const headers = new Headers(request.headers.toJSON());
      sent.push({ method: request.method, path: pathname, headers });
      const response =
        pathname === "/"
          ? Response.json(account)
          : await fetch(new URL(pathname, emulator.endpoint), {
              method: request.method,
              headers,
              ...(typeof request.body === "string" ? { body: request.body } : {}),
            });
      // The SDK's own class of headers, which it does not export.
      const Received = request.headers.constructor as new (raw: object) => typeof request.headers;
      const received = new Received(Object.fromEntries(response.headers));
      return { request, status: response.status, headers: received, bodyAsText: await response.text() };
    },
  };
  const open = (tokens: () => Promise<string> = () => Promise.resolve("a-token")) =>
    openCosmosStore({
      endpoint: "https://fleet.documents.example",
      database: "fleet",
      credential: {
        kind: "identity",
        credential: {
          getToken: async () => ({ token: await tokens(), expiresOnTimestamp: Date.now() + 3_600_000 }),
        },
      },
      httpClient,
    });
  const reads = () => sent.filter(({ path }) => path === "/");

  beforeAll(async () => {
    emulator = await startCosmosEmulator();
    // An identity may not create containers: they are there, as Bicep would have made them.
    const credential = { kind: "key", key: emulator.key } as const;
    await openCosmosStore({ endpoint: emulator.endpoint, database: "fleet", credential }).ping();
  });
  afterAll(() => emulator.stop());
  beforeEach(() => {
    account = sound;
    sent.length = 0;
  });

  it("works on a sound account, looks at it once, and makes no container", async () => {
    const store = open();
    const outcomes = await Promise.all([
      store.create("fleet_jobs", aJob("a")),
      store.create("fleet_jobs", aJob("b")),
      store.read("fleet_jobs", "acme", "c"),
    ]);
    expect(outcomes).toMatchObject([{ kind: "created" }, { kind: "created" }, undefined]);
    expect(reads()).toHaveLength(1);
    expect(sent.filter(({ path }) => /^\/dbs(\/[^/]+\/colls)?$/.test(path))).toEqual([]);
    expect(sent.every(({ headers }) => headers.get("authorization")?.includes("a-token"))).toBe(true);
  });

  it("refuses weaker consistency before anything is read or written, each time anew", async () => {
    account = { ...sound, userConsistencyPolicy: { defaultConsistencyLevel: "Session" } };
    const store = open();
    await expect(store.ping()).rejects.toBeInstanceOf(StoreMisconfigured);
    await expect(store.create("fleet_jobs", aJob("never"))).rejects.toThrow("it must be Strong");
    expect(sent.every(({ path }) => path === "/")).toBe(true);
    account = sound;
    await expect(store.ping()).resolves.toBeUndefined();
  });

  it("refuses several write regions", async () => {
    account = { ...sound, enableMultipleWriteLocations: true };
    await expect(open().ping()).rejects.toThrow("it must have one");
    account = { ...sound, writableLocations: [region("north"), region("south")] };
    await expect(open().ping()).rejects.toThrow("it must have one");
  });

  it("is unavailable, not misconfigured, while no token can be had; and works once there is one", async () => {
    let broken = true;
    const store = open(() =>
      broken ? Promise.reject(new Error("no identity endpoint")) : Promise.resolve("t"),
    );
    await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    broken = false;
    await expect(store.ping()).resolves.toBeUndefined();
  });

  it("asks for Eventual consistency where an answer may be stale, and only there", async () => {
    const store = open();
    const levels = async (freshness: "fresh" | "stale_ok") => {
      sent.length = 0;
      await store.query("fleet_jobs", "acme", aQuery({ freshness }), ["id"]);
      const queries = sent.filter(
        ({ path, headers }) => path.endsWith("/docs") && !headers.has("x-ms-cosmos-is-query-plan-request"),
      );
      return queries.map(({ headers }) => headers.get("x-ms-consistency-level"));
    };
    expect(await levels("stale_ok")).toEqual(["Eventual"]);
    expect(await levels("fresh")).toEqual([null]);
    sent.length = 0;
    await store.read("fleet_jobs", "acme", "a");
    expect(sent.map(({ headers }) => headers.get("x-ms-consistency-level"))).toEqual([null]);
  });

  it("names the partition of a query of one, so that the store asks that one alone", async () => {
    const store = open();
    await store.ping();
    sent.length = 0;
    await store.query("fleet_jobs", "acme", aQuery(), ["id"]);
    expect(sent.some(({ headers }) => headers.get("x-ms-documentdb-partitionkey") === '["acme"]')).toBe(true);
  });

  it("writes under If-Match and nothing else", async () => {
    const store = open();
    const made = await store.create("fleet_jobs", aJob("guarded"));
    if (made.kind !== "created") throw new Error(made.kind);
    sent.length = 0;
    await store.replaceIfMatch("fleet_jobs", aJob("guarded"), made.etag);
    await store.deleteIfMatch("fleet_jobs", "acme", "guarded", made.etag);
    expect(
      sent.map(({ method, headers }) => [method, headers.get("if-match"), headers.get("if-none-match")]),
    ).toEqual([
      ["PUT", made.etag, null],
      ["DELETE", made.etag, null],
    ]);
    expect(sent.some(({ headers }) => headers.has("x-ms-documentdb-is-upsert"))).toBe(false);
  });
});
