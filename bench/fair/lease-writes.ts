/** Writes per second that keep jobs leased to living workers, with each system's own defaults. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { renew } from "../../shared/core/renew.js";
import type { Store } from "../../shared/core/ports/store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { claimOne, register } from "./fleet-embedded.js";
import { fillOf, PRODUCT } from "./fleet-fill.js";
import { fleetOn, RULES } from "./fleet-on.js";
import { peerModule } from "./peers.js";
import type { Server } from "./servers.js";
import { rounded } from "./statistics.js";

export const LEASED_JOBS = 1000;
const SEATS = 10;
/** How long a peer is watched, after its workers have taken all the jobs. */
const WATCHED_SECONDS = 60;

export interface LeaseWritesRow {
  readonly system: string;
  readonly writesPerSecond: number;
}

/**
 * This project: the writes of one renewal of every job and of one heartbeat of every factory (ten seats each),
 * counted at the store's port, over the intervals that it tells its clients: a third of the lease, and of
 * FACTORY_STALE_SECONDS.
 */
export async function fleetLeaseWrites(folder: string): Promise<LeaseWritesRow> {
  const place = mkdtempSync(join(folder, "fleet-leases-"));
  const path = join(place, "fleet.db");
  const file = openSqliteStore({ path, synchronous: "normal" });
  const counted = countingStore(file);
  const fleet = fleetOn(counted.store);
  await fillOf(path).fill(LEASED_JOBS);
  const held: { id: string; leaseEpoch: number; factoryId: string }[] = [];
  const factories = Array.from({ length: LEASED_JOBS / SEATS }, (_, n) => `factory-${n}`);
  for (const factoryId of factories) {
    await register(fleet, factoryId, { seatLimit: SEATS });
    for (let seat = 0; seat < SEATS; seat++) {
      const job = await claimOne(fleet, factoryId);
      if (job !== undefined) held.push({ id: job.id, leaseEpoch: job.leaseEpoch, factoryId });
    }
  }
  if (held.length !== LEASED_JOBS) throw new Error(`only ${held.length} jobs are leased`);
  const before = counted.writes();
  for (const { id, factoryId, leaseEpoch } of held) {
    const renewed = await renew(fleet, PRODUCT, id, { factoryId, leaseEpoch });
    if (renewed.kind !== "renewed") throw new Error(`renew: ${renewed.kind}`);
  }
  const renewals = counted.writes() - before;
  for (const factoryId of factories) await register(fleet, factoryId, { seatLimit: SEATS });
  const heartbeats = counted.writes() - before - renewals;
  file.close();
  rmSync(place, { recursive: true });
  const perSecond = renewals / (RULES.leaseSeconds / 3) + heartbeats / (RULES.factoryStaleSeconds / 3);
  return { system: "fleet, lease 90 s, 100 factories", writesPerSecond: rounded(perSecond) };
}

function countingStore(store: Store): { store: Store; writes: () => number } {
  let writes = 0;
  const counted = <T>(write: Promise<T>): Promise<T> => {
    writes++;
    return write;
  };
  return {
    store: {
      ...store,
      create: (container, doc) => counted(store.create(container, doc)),
      replaceIfMatch: (container, doc, etag) => counted(store.replaceIfMatch(container, doc, etag)),
      deleteIfMatch: (container, partition, id, etag) =>
        counted(store.deleteIfMatch(container, partition, id, etag)),
    },
    writes: () => writes,
  };
}

interface Watch {
  readonly port: number;
  readonly jobs: number;
  readonly seconds: number;
}
type Watched = (watch: Watch) => Promise<number>;

/** The peers: rows that PostgreSQL says were written, changes that Redis says were made. */
export async function peerLeaseWrites(postgres: Server, redis: Server): Promise<LeaseWritesRow[]> {
  const { pgBoss, bullmq } = await peerModule<{ pgBoss: Watched; bullmq: Watched }>("held-jobs");
  const watch = { jobs: LEASED_JOBS, seconds: WATCHED_SECONDS };
  const [boss, bull] = await Promise.all([
    pgBoss({ ...watch, port: postgres.port }),
    bullmq({ ...watch, port: redis.port }),
  ]);
  return [
    { system: "pg-boss, heartbeatSeconds 60", writesPerSecond: rounded(boss) },
    { system: "BullMQ, lockDuration 30 s", writesPerSecond: rounded(bull) },
  ];
}
