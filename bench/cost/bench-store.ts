/** The stores that a life can run on, each with the meter on it. */
import { startCosmosEmulator } from "../../host/cosmos-emulator.js";
import type { Store } from "../../shared/core/ports/store.js";
import { readSettings } from "../../shared/settings.js";
import { openCosmosStore } from "../../shared/store/cosmos-store.js";
import { managedIdentity } from "../../shared/store/managed-identity.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import type { Meter } from "../meter/meter.js";

interface Opened {
  readonly store: Store;
  close(): Promise<void> | void;
}

/** `account`: the one that the COSMOS_ settings of this process name. Rejects when they name none. */
export async function openBench(where: "embedded" | "emulator" | "account", meter: Meter): Promise<Opened> {
  switch (where) {
    case "embedded": {
      const store = openSqliteStore({ path: ":memory:" });
      return {
        store: meter.on(store),
        close: () => {
          store.close();
        },
      };
    }
    case "emulator": {
      const emulator = await startCosmosEmulator();
      const { endpoint, key } = emulator;
      const options = { endpoint, database: "fleet", credential: { kind: "key", key } } as const;
      return {
        store: meter.on(openCosmosStore({ ...options, charged: charged(meter) })),
        close: () => emulator.stop(),
      };
    }
    case "account":
      return { store: meter.on(accountStore(meter)), close: () => undefined };
  }
}

function accountStore(meter: Meter): Store {
  const { COSMOS_ENDPOINT, COSMOS_DATABASE, COSMOS_KEY } = process.env;
  const key = [{ name: "bench", sha256: "0".repeat(64), products: ["*"], roles: ["read"] }];
  const read = readSettings({
    DB_PROVIDER: "cosmos",
    FLEET_API_KEYS: JSON.stringify(key),
    COSMOS_ENDPOINT,
    COSMOS_DATABASE,
    COSMOS_KEY,
  });
  if (read.kind !== "ok")
    throw new Error(read.problems.map(({ name, message }) => `${name} ${message}`).join("; "));
  const { store } = read.settings;
  if (store.provider !== "cosmos") throw new Error("only Cosmos DB charges");
  const credential =
    store.key === undefined
      ? ({ kind: "identity", credential: managedIdentity() } as const)
      : ({ kind: "key", key: store.key } as const);
  return openCosmosStore({
    endpoint: store.endpoint,
    database: store.database,
    credential,
    charged: charged(meter),
  });
}

function charged(meter: Meter) {
  return (_operation: keyof Store, _container: string, requestUnits: number): void => {
    meter.charged(requestUnits);
  };
}
