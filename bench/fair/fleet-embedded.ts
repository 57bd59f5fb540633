/** This project in one process with its embedded store: the operations of the core, on a file. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { claim } from "../../shared/core/claim.js";
import type { Fleet } from "../../shared/core/fleet.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { patch } from "../../shared/core/patch.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { delayedStore } from "./delay.js";
import { fleetOn } from "./fleet-on.js";
import { CAPABILITY, fillOf, PRODUCT } from "./fleet-fill.js";
import type { Durability, Hand, System } from "./queue.js";

/** FULL survives a power cut, NORMAL the end of the process. */
export function fleetEmbedded(folder: string, durability: Durability): System {
  const synchronous = durability === "power" ? "full" : "normal";
  return {
    name: "fleet",
    durability,
    open: (delayMs) => {
      const place = mkdtempSync(join(folder, "fleet-"));
      const path = join(place, "fleet.db");
      const store = openSqliteStore({ path, synchronous });
      const fleet = fleetOn(delayedStore(store, delayMs));
      return Promise.resolve({
        ...fillOf(path),
        crew: async (workers) => {
          const names = Array.from({ length: workers }, (_, n) => `factory-${n}`);
          for (const name of names) await register(fleet, name);
          return { kind: "pull", hands: names.map((name) => handOf(fleet, name)), end: done };
        },
        close: () => {
          store.close();
          rmSync(place, { recursive: true });
          return Promise.resolve();
        },
      });
    },
  };
}

function done(): Promise<void> {
  return Promise.resolve();
}

/** A factory that has just sent its heartbeat. */
export async function register(
  fleet: Fleet,
  factoryId: string,
  given: { seatLimit?: number; bootId?: string } = {},
): Promise<void> {
  const health = { load: 0, health: "ok" as const, seatLimit: 10 };
  const request = { factoryId, capabilities: [CAPABILITY], engines: [], ...health, ...given };
  await heartbeat(fleet, PRODUCT, request);
}

export interface FleetJob {
  readonly id: string;
  readonly leaseEpoch: number;
}

/** The job that this factory claims; undefined when there is none. Throws on any other answer. */
export async function claimOne(fleet: Fleet, factoryId: string): Promise<FleetJob | undefined> {
  const claimed = await claim(fleet, PRODUCT, { factoryId });
  if (claimed.kind === "claimed") return claimed.job;
  // Others were quicker at every try: a client asks again.
  if (claimed.kind === "nothing" && claimed.reason === "contended") return claimOne(fleet, factoryId);
  if (claimed.kind === "nothing") return undefined;
  throw new Error(`claim: ${claimed.kind}`);
}

function handOf(fleet: Fleet, factoryId: string): Hand {
  return {
    claim: () => claimOne(fleet, factoryId),
    finish: async (job) => {
      const { id, leaseEpoch } = job as FleetJob;
      const patched = await patch(fleet, PRODUCT, id, { factoryId, leaseEpoch, stage: "shipped" });
      if (patched.kind !== "patched") throw new Error(`finish: ${patched.kind}`);
    },
  };
}
