import { NO_BLOBS } from "./ports/blobs.js";
import type { Blobs } from "./ports/blobs.js";
import type { Clock, Ids, Log, Pause, Random } from "./ports/runtime.js";
import type { Store } from "./ports/store.js";
import { artifactRepository } from "./repositories/artifacts.js";
import { eventRepository } from "./repositories/events.js";
import { emptyMemory } from "./memory.js";
import { factoryRepository } from "./repositories/factories.js";
import { jobRepository } from "./repositories/jobs.js";
import { laneRepository } from "./repositories/lanes.js";
import { leaseRepository } from "./repositories/leases.js";
import { profileRepository } from "./repositories/profiles.js";
import { runRepository } from "./repositories/runs.js";
import { totalsRepository } from "./repositories/totals.js";

/** The numbers that an operator sets, in seconds but for one. */
export interface Rules {
  /** A lease, where the claim names no length. */
  readonly leaseSeconds: number;
  /** Silence after which a factory is stale. */
  readonly factoryStaleSeconds: number;
  /** How far the clocks of two instances may be apart. Liveness counts on it, safety does not. */
  readonly clockSkewSecondsMax: number;
  /** After so many days a final job loses its content and history. 0: never. */
  readonly retentionDays: number;
  /** Jobs of one product that may wait, about; 0: no bound. */
  readonly queuedJobsMax: number;
}

/** All that an operation works with. Everything that reaches the world goes through it. */
export type Fleet = ReturnType<typeof connect>;

export interface Ports {
  readonly store: Store;
  /** Where the bytes of artifacts are; absent: nowhere. */
  readonly blobs?: Blobs;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly pause: Pause;
  readonly log: Log;
}

/** Joins the ports with the repositories, once per instance. `memory`: what it remembers, where several share one. */
export function connect(ports: Ports, rules: Rules, memory = emptyMemory(ports.ids)) {
  const { store, blobs = NO_BLOBS, ...runtime } = ports;
  return {
    ...runtime,
    blobs,
    rules,
    store: { ping: () => store.ping() },
    jobs: jobRepository(store),
    leases: leaseRepository(store),
    runs: runRepository(store),
    events: eventRepository(store),
    factories: factoryRepository(store),
    profiles: profileRepository(store),
    artifacts: artifactRepository(store),
    totals: totalsRepository(store),
    lanes: laneRepository(store),
    ...memory,
  };
}
