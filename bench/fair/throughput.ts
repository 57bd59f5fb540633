/** Claim + finish per second, and the slowest percent, against the number of workers and the store's delay. */
import { letWork } from "./measure.js";
import type { System } from "./queue.js";
import { median, quantile, rounded } from "./statistics.js";

/** Jobs that wait when a run begins, of every system alike. */
const BACKLOG = 20_000;
/** Before each run, uncounted: connections, prepared statements, compiled code, filled caches. */
const WARM_MS = 200;

export interface ThroughputPlan {
  readonly workers: readonly number[];
  readonly delayMs: number;
  readonly rounds: number;
  /** How long each run takes jobs. */
  readonly runMs: number;
}

export interface ThroughputRow {
  readonly system: string;
  readonly durability: string;
  readonly delayMs: number;
  readonly workers: number;
  /** Median of the rounds; `p99Ms` of one job's claim + finish, also the median of the rounds. */
  readonly jobsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The slowest and the fastest round. */
  readonly range: readonly [number, number];
}

interface Run {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * In each round every system takes its turn with every number of workers, so that a busy machine slows all.
 * A turn begins with a fresh queue; before each run it is filled up to the same backlog.
 */
export async function measureThroughput(
  systems: readonly System[],
  { workers, delayMs, rounds, runMs }: ThroughputPlan,
  say: (text: string) => void,
): Promise<ThroughputRow[]> {
  const taken = new Map<string, Run[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [place, system] of systems.entries()) {
      const runs = await oneTurn(system, workers, delayMs, runMs);
      for (const [at, run] of runs.entries()) {
        const key = `${place}/${at}`;
        taken.set(key, [...(taken.get(key) ?? []), run]);
      }
      const figures = runs.map(({ perSecond }) => rounded(perSecond)).join(" ");
      say(
        `round ${round + 1}, delay ${delayMs} ms: ${system.name}, survives ${system.durability}: ${figures}`,
      );
    }
  }
  return systems.flatMap((system, place) =>
    workers.map((count, at) => rowOf(system, count, delayMs, taken.get(`${place}/${at}`) ?? [])),
  );
}

async function oneTurn(
  system: System,
  workers: readonly number[],
  delayMs: number,
  runMs: number,
): Promise<Run[]> {
  const queue = await system.open(delayMs);
  try {
    const runs: Run[] = [];
    let waiting = 0;
    for (const count of workers) {
      if (waiting < BACKLOG) await queue.fill(BACKLOG - waiting);
      waiting = Math.max(waiting, BACKLOG);
      const crew = await queue.crew(count);
      const warm = await letWork(crew, WARM_MS);
      const { jobs, tookMs, cycles } = await letWork(crew, runMs);
      await crew.end();
      waiting -= warm.jobs + jobs;
      const times = cycles.map(({ cycleMs }) => cycleMs);
      runs.push({
        perSecond: (jobs / tookMs) * 1000,
        p50Ms: quantile(times, 0.5),
        p99Ms: quantile(times, 0.99),
      });
    }
    return runs;
  } finally {
    await queue.close();
  }
}

function rowOf(system: System, workers: number, delayMs: number, runs: readonly Run[]): ThroughputRow {
  const rates = runs.map(({ perSecond }) => perSecond);
  return {
    system: system.name,
    durability: system.durability,
    delayMs,
    workers,
    jobsPerSecond: rounded(median(rates)),
    p50Ms: rounded(median(runs.map(({ p50Ms }) => p50Ms))),
    p99Ms: rounded(median(runs.map(({ p99Ms }) => p99Ms))),
    range: [rounded(Math.min(...rates)), rounded(Math.max(...rates))],
  };
}
