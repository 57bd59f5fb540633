/** The stores that a claim about the fleet must hold on: for `describe.each(storeProviders)("… on $name", …)`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "../../shared/core/ports/store.js";
import { openCosmosStore } from "../../shared/store/cosmos-store.js";
import { SimStore } from "../simulation/sim-store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { startCosmosEmulator } from "../../host/cosmos-emulator.js";

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
      return effect("now");
    });
    return Promise.resolve({ store, close: () => Promise.resolve() });
  },
};

export const storeProviders: readonly StoreProvider[] = [memory, sqliteFile, cosmosEmulator, simulated];
