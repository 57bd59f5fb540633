/** Every part of the benchmark, on servers that are started for it. */
import { againstBacklog, againstIneligible } from "./claim-latency.js";
import type { LatencyRow } from "./claim-latency.js";
import { fleetEmbedded } from "./fleet-embedded.js";
import { fleetHttp } from "./fleet-http.js";
import { fleetRecovery } from "./fleet-recovery.js";
import { fleetLeaseWrites, peerLeaseWrites } from "./lease-writes.js";
import { machineOf } from "./machine.js";
import { peer, peerRecovery, peerVersions } from "./peers.js";
import type { Part, Plan } from "./plan.js";
import type { Durability, System } from "./queue.js";
import { measureRecovery } from "./recovery.js";
import { ratiosOf } from "./report.js";
import type { Results } from "./report.js";
import type { Recovery } from "./scene.js";
import { startPostgres, startRedis } from "./servers.js";
import type { Server } from "./servers.js";
import { measureThroughput } from "./throughput.js";
import type { ThroughputRow } from "./throughput.js";

interface Servers {
  readonly postgres: Server;
  /** Redis, by what it survives: appendfsync always, everysec. */
  readonly redis: Readonly<Record<Durability, Server>>;
}

type Say = (text: string) => void;

/** Starts the servers, measures those parts, stops the servers. */
export async function measureAll(
  folder: string,
  plan: Plan,
  parts: readonly Part[],
  say: Say,
): Promise<Results> {
  const begun = performance.now();
  const machine = machineOf(folder);
  const servers: Servers = {
    postgres: await startPostgres(folder),
    redis: { power: await startRedis(folder, "always"), process: await startRedis(folder, "everysec") },
  };
  try {
    const throughput = await throughputOf(folder, servers, plan, parts, say);
    const { backlog, ineligible } = await latencyOf(folder, servers, plan, parts, say);
    const { postgres, redis } = servers;
    const leases = parts.includes("leases");
    const ownWrites = leases ? [await fleetLeaseWrites(folder)] : [];
    // Both are nothing but waiting.
    const [recovery, peerWrites] = await Promise.all([
      parts.includes("recovery") ? measureRecovery(recoveries(folder, servers, plan), plan.rounds) : [],
      leases ? peerLeaseWrites(postgres, redis.power) : [],
    ]);
    const leaseWrites = [...ownWrites, ...peerWrites];
    const versions = { ...peerVersions(), PostgreSQL: postgres.version, Redis: redis.power.version };
    const tookSeconds = Math.round((performance.now() - begun) / 1000);
    const ratios = ratiosOf(throughput);
    const measured = { throughput, ratios, backlog, ineligible, recovery, leaseWrites };
    return { bench: "fair", machine, versions, rounds: plan.rounds, tookSeconds, ...measured };
  } finally {
    await servers.postgres.stop();
    await Promise.all(Object.values(servers.redis).map((server) => server.stop()));
  }
}

/** This project with its embedded store, and every peer. */
function systemsOf(folder: string, { postgres, redis }: Servers, durability: Durability): System[] {
  return [
    fleetEmbedded(folder, durability),
    peer("pg-boss", "pg-boss", postgres, durability),
    peer("graphile-worker", "graphile-worker", postgres, durability),
    peer("SKIP LOCKED", "skip-locked", postgres, durability),
    peer("BullMQ", "bullmq", redis[durability], durability),
  ];
}

async function throughputOf(
  folder: string,
  servers: Servers,
  plan: Plan,
  parts: readonly Part[],
  say: Say,
): Promise<ThroughputRow[]> {
  const { rounds, runMs, workers, delaysMs, delayedWorkers } = plan;
  const rows: ThroughputRow[] = [];
  const durable = [...systemsOf(folder, servers, "power"), fleetHttp(folder)];
  if (parts.includes("throughput")) {
    rows.push(
      ...(await measureThroughput(durable, { workers: workers.power, delayMs: 0, rounds, runMs }, say)),
    );
    const lesser = systemsOf(folder, servers, "process");
    rows.push(
      ...(await measureThroughput(lesser, { workers: workers.process, delayMs: 0, rounds, runMs }, say)),
    );
  }
  if (parts.includes("delay"))
    for (const delayMs of delaysMs)
      rows.push(
        ...(await measureThroughput(durable, { workers: delayedWorkers, delayMs, rounds, runMs }, say)),
      );
  return rows;
}

/** One claim is as long as its durability: all of them survive a power cut here. */
async function latencyOf(
  folder: string,
  servers: Servers,
  { backlogs, ineligible, rounds }: Plan,
  parts: readonly Part[],
  say: Say,
): Promise<Pick<Results, "backlog" | "ineligible">> {
  const found = { backlog: [] as LatencyRow[], ineligible: [] as LatencyRow[] };
  for (const system of systemsOf(folder, servers, "power")) {
    if (parts.includes("backlog")) {
      say(`claims of ${system.name} against the backlog`);
      found.backlog.push(...(await againstBacklog(system, { sizes: backlogs, runs: rounds })));
    }
    if (parts.includes("ineligible")) {
      say(`claims of ${system.name} against jobs that it can't take`);
      found.ineligible.push(...(await againstIneligible(system, { sizes: ineligible, runs: rounds })));
    }
  }
  return found;
}

function recoveries(folder: string, { postgres, redis }: Servers, { defaultLeases }: Plan): Recovery[] {
  const bullmq = (name: string, lockSeconds: number, checkSeconds: number): Recovery =>
    peerRecovery(name, "bullmq", redis.process, {
      lockDuration: lockSeconds * 1000,
      stalledInterval: checkSeconds * 1000,
    });
  const slow = [
    fleetRecovery(folder, "fleet, lease 90 s (default)", 90, false),
    bullmq("BullMQ, lock 30 s, check each 30 s (default)", 30, 30),
  ];
  return [
    ...(defaultLeases ? slow : []),
    fleetRecovery(folder, "fleet, lease 10 s", 10, false),
    bullmq("BullMQ, lock 10 s, check each 5 s", 10, 5),
    peerRecovery("pg-boss, heartbeat 10 s, check each second", "pgBoss", postgres, {
      heartbeatSeconds: 10,
      everySeconds: 1,
    }),
    fleetRecovery(folder, "fleet, the same factory started again", 90, true),
    peerRecovery("SKIP LOCKED, transaction held open", "skipLocked", postgres),
  ];
}
