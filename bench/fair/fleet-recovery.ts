/** This project: a job whose worker is killed, claimed by another factory, or by the same one started anew. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { claim } from "../../shared/core/claim.js";
import { renew } from "../../shared/core/renew.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { systemPause } from "../../shared/system.js";
import { register } from "./fleet-embedded.js";
import { fillOf, PRODUCT } from "./fleet-fill.js";
import { fleetOn } from "./fleet-on.js";
import type { Recovery } from "./scene.js";

const VICTIM = "victim";
/** How often who waits asks for a job. */
const POLL_MS = 100;

export interface Place {
  readonly path: string;
  readonly leaseSeconds: number;
}

/** `restarted`: the factory comes back under a new `bootId`; otherwise another one asks. */
export function fleetRecovery(
  folder: string,
  name: string,
  leaseSeconds: number,
  restarted: boolean,
): Recovery {
  return {
    name,
    prepare: async () => {
      const place = mkdtempSync(join(folder, "fleet-killed-"));
      const path = join(place, "fleet.db");
      const store = openSqliteStore({ path });
      const fleet = fleetOn(store);
      await fillOf(path).fill(1);
      return {
        place: { path, leaseSeconds } satisfies Place,
        claimedAgain: async (killed) => {
          const factoryId = restarted ? VICTIM : "other";
          if (restarted) await killed;
          for (let polls = 0; ; polls++) {
            // As often as the README tells factories to: well within FACTORY_STALE_SECONDS.
            if (polls % 300 === 0) await register(fleet, factoryId, { bootId: "second" });
            const claimed = await claim(fleet, PRODUCT, { factoryId });
            if (claimed.kind === "claimed") return;
            await systemPause(POLL_MS);
          }
        },
        close: () => {
          store.close();
          rmSync(place, { recursive: true });
          return Promise.resolve();
        },
      };
    },
  };
}

/** In the victim: claims, and renews every third of the lease, as `renewAfterSeconds` says. */
export async function hold({ path, leaseSeconds }: Place): Promise<void> {
  const factoryId = VICTIM;
  const fleet = fleetOn(openSqliteStore({ path }));
  await register(fleet, factoryId, { bootId: "first" });
  const claimed = await claim(fleet, PRODUCT, { factoryId, leaseSeconds });
  if (claimed.kind !== "claimed") throw new Error(`claim: ${claimed.kind}`);
  const { id, leaseEpoch } = claimed.job;
  setInterval(() => void renew(fleet, PRODUCT, id, { factoryId, leaseEpoch }), (leaseSeconds / 3) * 1000);
}
