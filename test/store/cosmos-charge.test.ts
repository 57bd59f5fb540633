/** What Cosmos DB charged, as whoever opens the store hears of it. The emulator charges 1 for everything. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCosmosEmulator } from "../../host/cosmos-emulator.js";
import type { CosmosEmulator } from "../../host/cosmos-emulator.js";
import { openCosmosStore } from "../../shared/store/cosmos-store.js";
import { aJob, aQuery } from "./fixtures.js";

describe("the charge of a request to Cosmos DB", () => {
  let emulator: CosmosEmulator;
  beforeAll(async () => {
    emulator = await startCosmosEmulator();
  });
  afterAll(() => emulator.stop());

  it("is told once for each, what was refused or not found included", async () => {
    const { endpoint, key } = emulator;
    const heard: unknown[] = [];
    const store = openCosmosStore({
      ...{ endpoint, database: "fleet", credential: { kind: "key", key } },
      charged: (...told) => heard.push(told),
    });
    const toldBy = async (work: () => Promise<unknown>): Promise<unknown[]> => {
      await work();
      return heard.splice(0);
    };
    const job = aJob("j1");
    let etag = "";
    const charged = (operation: string, container = "fleet_jobs") => [[operation, container, 1]];

    const created = async () => {
      const made = await store.create("fleet_jobs", job);
      if (made.kind === "created") ({ etag } = made);
    };
    expect(await toldBy(created)).toEqual(charged("create"));
    expect(await toldBy(created)).toEqual(charged("create"));
    expect(await toldBy(() => store.read("fleet_jobs", "acme", "j1"))).toEqual(charged("read"));
    expect(await toldBy(() => store.read("fleet_leases", "j1", "j1"))).toEqual(
      charged("read", "fleet_leases"),
    );
    const replaced = () => store.replaceIfMatch("fleet_jobs", job, etag);
    expect(await toldBy(replaced)).toEqual(charged("replaceIfMatch"));
    expect(await replaced()).toEqual({ kind: "etag_mismatch" });
    expect(heard.splice(0)).toEqual(charged("replaceIfMatch"));
    expect(await toldBy(() => store.query("fleet_jobs", "acme", aQuery(), "all"))).toEqual(charged("query"));
    expect(await toldBy(() => store.queryEveryPartition("fleet_jobs", aQuery(), "all"))).toEqual(
      charged("queryEveryPartition"),
    );
    expect(await toldBy(() => store.count("fleet_jobs", "acme", []))).toEqual(charged("count"));
    expect(await toldBy(() => store.deleteIfMatch("fleet_jobs", "acme", "j1", etag))).toEqual(
      charged("deleteIfMatch"),
    );
    expect(await toldBy(() => store.ping())).toEqual(charged("ping"));
  });
});
