import { describe, expect, it } from "vitest";
import { newMeter } from "../../bench/meter/meter.js";
import type { Operation } from "../../bench/meter/meter.js";
import { NAIVE, OURS, roundsOf, ruOf, strong, touchedBy } from "../../bench/meter/price.js";
import type { Store } from "../../shared/core/ports/store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { aDocument } from "../support/documents.js";
import { aJob, aQuery } from "../store/fixtures.js";

/** What `work` asked of a store in memory, as one operation. */
async function metered(work: (store: Store) => Promise<unknown>): Promise<Operation> {
  const meter = newMeter();
  const store = openSqliteStore({ path: ":memory:" });
  await meter.operation("test", () => work(meter.on(store)));
  store.close();
  const [operation] = meter.taken();
  if (operation === undefined) throw new Error("nothing was metered");
  return operation;
}

const read = (store: Store, id: string) => store.read("fleet_leases", id, id);
const rounds = ({ requests }: Operation): number[] => requests.map(({ round }) => round);

describe("round trips", () => {
  it("are one for what is asked side by side, and another for what waits for an answer", async () => {
    const operation = await metered(async (store) => {
      await Promise.all([read(store, "a"), read(store, "b"), read(store, "c")]);
      await read(store, "d");
    });
    expect(rounds(operation)).toEqual([1, 1, 1, 2]);
    expect(roundsOf(operation)).toBe(2);
  });

  it("are one for what a network would still be carrying, though the embedded store answers at once", async () => {
    const afterAWhile = async (store: Store): Promise<void> => {
      for (let n = 0; n < 20; n++) await Promise.resolve();
      await read(store, "b");
    };
    const operation = await metered((store) => Promise.all([read(store, "a"), afterAWhile(store)]));
    expect(rounds(operation)).toEqual([1, 1]);
  });

  it("are as many as the longest chain, where chains run side by side", async () => {
    const operation = await metered((store) =>
      Promise.all([
        read(store, "a"),
        (async () => {
          for (const id of ["b", "c", "d"]) await read(store, id);
        })(),
        (async () => {
          for (const id of ["e", "f"]) await read(store, id);
        })(),
      ]),
    );
    expect(roundsOf(operation)).toBe(3);
    expect(rounds(operation)).toEqual([1, 1, 1, 2, 2, 3]);
  });

  it("count what the store did not answer, but not what other operations do meanwhile", async () => {
    const meter = newMeter();
    const memory = openSqliteStore({ path: ":memory:" });
    const store = meter.on({ ...memory, count: () => Promise.reject(new Error("down")) });
    const other = meter.operation("other", () => read(store, "z"));
    await meter.operation("mine", async () => {
      await store.count("fleet_jobs", "acme", []).catch(() => undefined);
      await read(store, "a");
    });
    await other;
    await read(store, "outside of any operation");
    const found = meter.taken().map(({ name, requests }) => [name, requests.map(({ round }) => round)]);
    expect(Object.fromEntries(found)).toEqual({ other: [1], mine: [1, 2] });
    expect(meter.taken()).toEqual([]);
    memory.close();
  });
});

describe("an operation's price", () => {
  const lease = aDocument.fleet_leases({ id: "j1", jobId: "j1" });
  const later = { ...lease, expiresAt: "2027-01-01T00:00:00.000Z" };
  const renewal = (store: Store) => async (): Promise<void> => {
    const found = await store.read("fleet_leases", "j1", "j1");
    if (found !== undefined) await store.replaceIfMatch("fleet_leases", later, found.etag);
  };

  it("is that of its requests: a renewal is a read, and a replacement that changes two terms", async () => {
    const operation = await metered(async (store) => {
      await store.create("fleet_leases", lease);
      await renewal(store)();
    });
    expect(ruOf({ ...operation, requests: operation.requests.slice(1) }, OURS)).toBeCloseTo(1 + 10.7, 5);
    // The create: five terms.
    expect(ruOf(operation, OURS)).toBeCloseTo(5.95 + 1 + 10.7, 5);
  });

  it("doubles what is read under Strong consistency: not writes, nor queries that may be stale", async () => {
    const operation = await metered(async (store) => {
      await store.create("fleet_leases", lease);
      await renewal(store)();
      await store.query("fleet_jobs", "acme", aQuery(), ["id"]);
      await store.query("fleet_jobs", "acme", aQuery({ freshness: "stale_ok" }), ["id"]);
      await store.count("fleet_jobs", "acme", []);
    });
    expect(ruOf(operation, strong(OURS)) - ruOf(operation, OURS)).toBeCloseTo(1 + 3 + 3, 5);
  });

  it("is little for what was refused, and for nothing found", async () => {
    const operation = await metered(async (store) => {
      await store.create("fleet_leases", lease);
      await store.create("fleet_leases", lease);
      await store.replaceIfMatch("fleet_leases", later, "an old etag");
      await read(store, "nobody");
    });
    expect(ruOf({ ...operation, requests: operation.requests.slice(1) }, OURS)).toBeCloseTo(1.2 + 1.2 + 1, 5);
  });

  it("is higher in the naive design: whole documents, every path indexed, a read before each write", async () => {
    const job = aJob("j1", { bodyMd: "b".repeat(32 * 1024) });
    const operation = await metered(async (store) => {
      await store.create("fleet_jobs", job);
      await store.query("fleet_jobs", "acme", aQuery(), ["id"]);
    });
    const [created, queried] = operation.requests;
    expect(queried === undefined ? 0 : touchedBy(queried).bytes).toBeLessThan(20);
    const only = (request: typeof created) => ({
      ...operation,
      requests: request === undefined ? [] : [request],
    });
    const more = (request: typeof created) => ruOf(only(request), NAIVE) - ruOf(only(request), OURS);
    expect(more(queried)).toBeGreaterThan(1.5);
    // Of nothing: 1.
    expect(more(created)).toBeGreaterThan(1);
  });

  it("has beside it what the store said it charged for that very request", async () => {
    const meter = newMeter();
    const memory = openSqliteStore({ path: ":memory:" });
    const store = meter.on({
      ...memory,
      read: async (container, partition, id) => {
        await Promise.resolve();
        meter.charged(id === "a" ? 1.5 : 7);
        return memory.read(container, partition, id);
      },
    });
    await meter.operation("test", () => Promise.all([read(store, "a"), read(store, "b")]));
    const charges = meter.taken().flatMap(({ requests }) => requests.map(({ charged }) => charged));
    expect(charges).toEqual([1.5, 7]);
    memory.close();
  });
});
