/** The stores that a claim about the fleet must hold on: for `describe.each(storeProviders)("… on $name", …)`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "../../shared/core/ports/store.js";
import { SimStore } from "../simulation/sim-store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";

interface OpenStore {
  readonly store: Store;
  close(): Promise<void>;
}

export interface StoreProvider {
  readonly name: "memory" | "sqlite file" | "cosmos emulator" | "simulated";
  /** An empty store that shares nothing with any other. */
  open(): Promise<OpenStore>;
}

const memory: StoreProvider = {
  name: "memory",
  open: () => {
    const store = openSqliteStore({ path: ":memory:" });
    return Promise.resolve({
      store,
      close: () => {
        store.close();
        return Promise.resolve();
      },
    });
  },
};

const sqliteFile: StoreProvider = {
  name: "sqlite file",
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), "fleet-store-"));
    const store = openSqliteStore({ path: join(folder, "fleet.db") });
    return {
      store,
      close: async () => {
        store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

const cosmosEmulator: StoreProvider = {
  name: "cosmos emulator",
  open: async () => {
    // Loaded where it is used: the mutants of the core, which run on one embedded store, need no SDK.
    const [{ openCosmosStore }, { startCosmosEmulator }] = await Promise.all([
      import("../../shared/store/cosmos-store.js"),
      import("../../host/cosmos-emulator.js"),
    ]);
    const emulator = await startCosmosEmulator();
    const { endpoint, key } = emulator;
    const store = openCosmosStore({ endpoint, database: "fleet", credential: { kind: "key", key } });
    return { store, close: () => emulator.stop() };
  },
};

/** The store that the proof runs on, here without a schedule: each operation is done and answered at once. */
const simulated: StoreProvider = {
  name: "simulated",
  open: () => {
    const store = new SimStore().port(async ({ effect }) => {
      await Promise.resolve();
      return effect("now").value();
    });
    return Promise.resolve({ store, close: () => Promise.resolve() });
  },
};

const all: readonly StoreProvider[] = [memory, sqliteFile, cosmosEmulator, simulated];

/** FLEET_TEST_STORE names the one provider to run on, where thousands of runs must each be short. Else all of them. */
const only = process.env["FLEET_TEST_STORE"];
export const storeProviders = all.filter(({ name }) => only === undefined || name === only);
if (storeProviders.length === 0) throw new Error(`FLEET_TEST_STORE: there is no store "${String(only)}"`);
