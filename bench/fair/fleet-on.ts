import { connect } from "../../shared/core/fleet.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { Store } from "../../shared/core/ports/store.js";
import { systemClock, systemIds, systemPause, systemRandom } from "../../shared/system.js";

/** The defaults of the settings. */
export const RULES = {
  leaseSeconds: 90,
  factoryStaleSeconds: 120,
  clockSkewSecondsMax: 2,
  retentionDays: 30,
  queuedJobsMax: 0,
};

/** An instance on this store, with the real clock, that logs nothing. */
export function fleetOn(store: Store, rules = RULES): Fleet {
  const nothing = (): undefined => undefined;
  const log = { decision: nothing, info: nothing, warn: nothing, error: nothing };
  const system = { clock: systemClock(), ids: systemIds, random: systemRandom, pause: systemPause };
  return connect({ ...system, store, log }, rules);
}
