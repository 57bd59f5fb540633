/**
 * `npm run bench:stats`: what `GET /fleet/stats` asks of the embedded store, on a product of 1,000 jobs and on
 * one of 100,000, side by side in one run. `-- --jobs 20000` for another size, `--runs 50` for more,
 * `--bytes 4096` for the length of each job's body, `--json` for one JSON object on the last line.
 *
 * Both are files, filled by one transaction each, and held by this process; what is asked last lies in the
 * page cache. The two take turns, so that a busy machine slows both: trust the ratios more than the figures.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "../shared/core/fleet.js";
import type { Fleet } from "../shared/core/fleet.js";
import { oldestQueuedSeconds } from "../shared/core/snapshot.js";
import { readStats } from "../shared/core/stats.js";
import type { Job } from "../shared/schema/job.js";
import { PRIORITIES } from "../shared/schema/job.js";
import { toInstant } from "../shared/schema/primitives.js";
import { FINAL_STAGES, STAGES } from "../shared/schema/stages.js";
import type { Stage } from "../shared/schema/stages.js";
import { openSqliteStore } from "../shared/store/sqlite-store.js";
import { systemClock, systemIds, systemPause, systemRandom } from "../shared/system.js";

const SMALL = 1000;
const PRODUCT = "acme";
/** Of a hundred jobs, how many are in each stage: a product with a history, and a queue that is behind. */
const SHARES: Readonly<Record<Stage, number>> = {
  queued: 20,
  blocked: 10,
  assigned: 1,
  building: 2,
  review: 1,
  testing: 1,
  shipped: 55,
  failed: 8,
  dead_letter: 2,
};
const HUNDRED = STAGES.flatMap((stage) => Array.from({ length: SHARES[stage] }, () => stage));

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "100000" },
    runs: { type: "string", default: "30" },
    bytes: { type: "string", default: "4096" },
    json: { type: "boolean", default: false },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function aJob(n: number, body: string, nowMs: number): Job {
  const at = toInstant(nowMs - n * 1000);
  const priorityRank = n % PRIORITIES.length;
  const stage = HUNDRED[(n * 37) % HUNDRED.length] ?? "queued";
  return {
    id: `j${String(n).padStart(9, "0")}`,
    productId: PRODUCT,
    schemaVersion: 1,
    idempotencyKey: `key-${n}`,
    contentHash: "x".repeat(43),
    pastHashes: [],
    kind: "leaf",
    priority: PRIORITIES[priorityRank] ?? "low",
    priorityRank,
    capabilities: [`capability-${n % 7}`],
    deps: [],
    depsMode: "hard",
    bodyMd: body,
    stage,
    order: n,
    leaseEpoch: 1,
    ...(stage === "queued" || stage === "blocked" ? {} : { holderFactoryId: `factory-${n % 50}` }),
    attempt: 1,
    eventSeq: 1,
    outbox: [],
    recentOps: [],
    createdAt: at,
    updatedAt: at,
    stageChangedAt: at,
  };
}

/** A file with so many jobs. Filled behind the store's back: one transaction, where it would make one each. */
function fill(path: string, jobs: number): void {
  const body = "b".repeat(Number(values.bytes));
  const nowMs = Date.now();
  openSqliteStore({ path }).close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  const insert = db.prepare("INSERT INTO fleet_jobs (pk, id, etag, body) VALUES (?, ?, ?, ?)");
  for (let n = 0; n < jobs; n++) {
    const job = aJob(n, body, nowMs);
    insert.run(PRODUCT, job.id, String(n), JSON.stringify(job));
  }
  db.exec("COMMIT");
  db.close();
}

function fleetOn(path: string): { fleet: Fleet; close: () => void } {
  const store = openSqliteStore({ path });
  const nothing = (): undefined => undefined;
  const log = { decision: nothing, info: nothing, warn: nothing, error: nothing };
  const system = { clock: systemClock(), ids: systemIds, random: systemRandom, pause: systemPause };
  const rules = {
    leaseSeconds: 90,
    factoryStaleSeconds: 120,
    clockSkewSecondsMax: 2,
    retentionDays: 30,
    queuedJobsMax: 0,
  };
  return {
    fleet: connect({ ...system, store, log }, rules),
    close: () => {
      store.close();
    },
  };
}

/** What is measured: the whole, and the parts that it is made of. */
const MEASURES: readonly { what: string; ask: (fleet: Fleet) => Promise<unknown> }[] = [
  { what: "GET /fleet/stats", ask: (fleet) => readStats(fleet, PRODUCT) },
  {
    what: "counts of the nine stages",
    ask: (fleet) => Promise.all(STAGES.map((stage) => fleet.jobs.countByStage(PRODUCT, stage))),
  },
  { what: "age of the oldest queued job", ask: (fleet) => oldestQueuedSeconds(fleet, PRODUCT) },
  {
    what: "what the first 1,000 queued ask for",
    ask: (fleet) => fleet.jobs.waiting(PRODUCT, toInstant(fleet.clock.now()), 1000),
  },
  { what: "totals per engine", ask: (fleet) => fleet.totals.list(PRODUCT, 200) },
  {
    what: "the sweep: jobs due for retention",
    ask: (fleet) => {
      const before = toInstant(fleet.clock.now() - 30 * 86_400_000);
      return Promise.all(FINAL_STAGES.map((stage) => fleet.jobs.endedBefore(stage, before, 66)));
    },
  },
  { what: "the sweep: runs to count", ask: (fleet) => fleet.runs.sweepUncounted("", 200) },
];

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

const large = Number(values.jobs);
const folder = await mkdtemp(join(tmpdir(), "fleet-bench-"));
try {
  const sizes = [SMALL, large].map((jobs) => {
    const path = join(folder, `${jobs}.db`);
    fill(path, jobs);
    return fleetOn(path);
  });
  const figures = [];
  for (const { what, ask } of MEASURES) {
    const took: number[][] = sizes.map(() => []);
    for (let run = 0; run < Number(values.runs); run++)
      for (const [place, { fleet }] of sizes.entries()) took[place]?.push(await msOf(() => ask(fleet)));
    const [smallMs = 0, largeMs = 0] = took.map(median);
    figures.push({ what, smallMs, largeMs, ratio: largeMs / smallMs });
  }
  for (const { close } of sizes) close();
  if (values.json) say(JSON.stringify({ small: SMALL, large, runs: Number(values.runs), figures }));
  else {
    say(`medians of ${values.runs}, in milliseconds: ${SMALL} jobs, ${large} jobs, ratio`);
    for (const { what, smallMs, largeMs, ratio } of figures)
      say(
        `${smallMs.toFixed(2).padStart(8)} ${largeMs.toFixed(2).padStart(8)} ${ratio.toFixed(1).padStart(6)}  ${what}`,
      );
  }
} finally {
  await rm(folder, { recursive: true });
}
