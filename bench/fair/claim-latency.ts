/** How long one claim takes, by one worker alone, against what waits in the queue. */
import type { Crew, Cycle, PushedCrew, Queue, System } from "./queue.js";
import { median, quantile, rounded } from "./statistics.js";

/** Claims in one run: enough for a median; the jobs are finished outside of what is measured. */
const CLAIMS = 100;
const WARM_CLAIMS = 50;
/** Jobs behind the ineligible ones: more than are claimed. */
const ELIGIBLE = 2000;

export interface LatencyRow {
  readonly system: string;
  readonly durability: string;
  /** Jobs that could be claimed, or that could not and were older. */
  readonly jobs: number;
  /** Medians of the runs, of one claim. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LatencyPlan {
  /** Ascending. */
  readonly sizes: readonly number[];
  readonly runs: number;
}

/** Against the backlog: the queue grows from size to size, all of whose jobs any worker can take. */
export async function againstBacklog(system: System, { sizes, runs }: LatencyPlan): Promise<LatencyRow[]> {
  const queue = await system.open(0);
  try {
    const rows: LatencyRow[] = [];
    let waiting = 0;
    for (const size of sizes) {
      // What is claimed here is there beside: the size is what is left at the end.
      const jobs = size + WARM_CLAIMS + runs * CLAIMS;
      await queue.fill(jobs - waiting);
      waiting = jobs;
      const { row, taken } = await claims(system, queue, size, runs);
      waiting -= taken;
      rows.push(row);
    }
    return rows;
  } finally {
    await queue.close();
  }
}

/** Against jobs at the head that no worker can take, with as many behind them that it can as will be claimed. */
export async function againstIneligible(system: System, { sizes, runs }: LatencyPlan): Promise<LatencyRow[]> {
  const rows: LatencyRow[] = [];
  for (const size of sizes) {
    const queue = await system.open(0);
    try {
      if (size > 0) await queue.fillIneligible(size);
      await queue.fill(ELIGIBLE);
      const { row } = await claims(system, queue, size, runs);
      rows.push(row);
    } finally {
      await queue.close();
    }
  }
  return rows;
}

async function claims(system: System, queue: Queue, jobs: number, runs: number) {
  const crew = await queue.crew(1);
  let taken = (await claimTimes(crew, WARM_CLAIMS)).length;
  const p50s: number[] = [];
  const p99s: number[] = [];
  for (let run = 0; run < runs; run++) {
    const times = await claimTimes(crew, CLAIMS);
    taken += times.length;
    p50s.push(quantile(times, 0.5));
    p99s.push(quantile(times, 0.99));
  }
  await crew.end();
  const row = {
    system: system.name,
    durability: system.durability,
    jobs,
    p50Ms: rounded(median(p50s)),
    p99Ms: rounded(median(p99s)),
  };
  return { row, taken };
}

async function claimTimes(crew: Crew, count: number): Promise<number[]> {
  if (crew.kind === "push") {
    const cycles = await untilFinished(crew, count);
    return cycles.map(({ claimMs, cycleMs }) => claimMs ?? cycleMs);
  }
  const times: number[] = [];
  const [hand] = crew.hands;
  while (hand !== undefined && times.length < count) {
    const begun = performance.now();
    const job = await hand.claim();
    times.push(performance.now() - begun);
    if (job === undefined) throw new Error("the queue ran empty");
    await hand.finish(job);
  }
  return times;
}

/** Lets it work until so many jobs are finished, or a few more. */
async function untilFinished(crew: PushedCrew, count: number): Promise<Cycle[]> {
  const cycles: Cycle[] = [];
  await new Promise<void>((resolve, reject) => {
    const started = crew.start((cycle) => {
      cycles.push(cycle);
      if (cycles.length === count) resolve();
    });
    started.catch(reject);
  });
  await crew.pause();
  return cycles;
}
