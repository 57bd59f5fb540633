/** An instance of the fleet for measurements, and the words that they use of it. */
import { claim } from "../../shared/core/claim.js";
import { connect } from "../../shared/core/fleet.js";
import type { Fleet, Ports } from "../../shared/core/fleet.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { emptyMemory } from "../../shared/core/memory.js";
import type { Spreading } from "../../shared/core/memory.js";
import type { Store } from "../../shared/core/ports/store.js";
import { submit } from "../../shared/core/submit.js";
import type { Job } from "../../shared/schema/job.js";
import { submission } from "../../shared/schema/requests.js";
import { systemClock, systemIds, systemPause, systemRandom } from "../../shared/system.js";

export const PRODUCT = "acme";

const nothing = (): undefined => undefined;
const SILENT = { decision: nothing, info: nothing, warn: nothing, error: nothing };
const RULES = {
  leaseSeconds: 90,
  factoryStaleSeconds: 120,
  clockSkewSecondsMax: 2,
  retentionDays: 0,
  queuedJobsMax: 0,
};

/** One instance on `store`, with the system's time and chance where `ports` has none of its own. */
export function fleetOn(store: Store, ports: Partial<Ports> = {}, spreading: Spreading = "share"): Fleet {
  const system = { clock: systemClock(), ids: systemIds, random: systemRandom, pause: systemPause };
  const all = { ...system, store, log: SILENT, ...ports };
  return connect(all, RULES, emptyMemory(all.ids, spreading));
}

/** Lets a factory claim, as many jobs as it likes. */
export async function register(fleet: Fleet, factoryId: string): Promise<void> {
  const state = { capabilities: [], engines: [], seatLimit: 10_000, load: 0, health: "ok" } as const;
  await heartbeat(fleet, PRODUCT, { factoryId, ...state, capabilities: [], engines: [] });
}

/** A job that was really submitted, for copies to be made of it. */
export async function submitOne(
  fleet: Fleet,
  key: string,
  given: { capabilities?: string[]; priority?: Job["priority"]; bodyMd: string },
): Promise<Job> {
  const submitted = await submit(fleet, PRODUCT, submission.parse({ idempotencyKey: key, ...given }));
  if (submitted.kind !== "created") throw new Error(`not accepted: ${submitted.kind}`);
  return submitted.job;
}

/** Claims, and insists on a job. */
export async function mustClaim(fleet: Fleet, factoryId: string) {
  const claimed = await claim(fleet, PRODUCT, { factoryId });
  if (claimed.kind !== "claimed") throw new Error(`no job: ${JSON.stringify(claimed)}`);
  return claimed.job;
}
