/**
 * `npm run bench:abuse`: how much a product that is at its limits slows another one down. On one host, product B's
 * workers submit, claim and ship, in turns alone and beside product A, whose clients submit as fast as they are
 * answered, in three ways: at its limits and waiting as `Retry-After` says; at its limits and not waiting; and, on a
 * host without limits, with all of it taken. Prints B's latencies, and as ratios what A makes of them: the median
 * over rounds, each beside a quiet one, so that noise of the machine falls on both.
 *
 * Ends with 1 on an answer of 5xx, or where A was not at its limits; never for its speed. `-- --rounds 12`,
 * `--seconds 3` for each half of a round, `--clients 32` of A, `--json` for one JSON object on the last line.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startHostProcess } from "./http/child.js";
import type { Host } from "./http/child.js";
import { openClient } from "./http/client.js";
import type { Client } from "./http/client.js";

const LIMITED = { REQUESTS_PER_CREDENTIAL_MAX: "4", QUEUED_JOBS_MAX: "200" };
const UNLIMITED = { REQUESTS_PER_CREDENTIAL_MAX: "0", QUEUED_JOBS_MAX: "0" };
const B_WORKERS = 2;
/** Of each job of A's: instructions of a usual length. */
const BODY_CHARS = 4096;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
    clients: { type: "string", default: "32" },
    json: { type: "boolean", default: false },
  },
});
const size = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  clients: Number(values.clients),
};
if (!(size.rounds >= 1 && size.seconds > 0 && size.clients >= 1))
  throw new Error("--rounds and --clients must be 1 or more, --seconds above 0");

type Way = "obeys" | "insists" | "unlimited";

/** B's medians and 99th percentiles in milliseconds, by what it asked for. */
type Latencies = Readonly<Record<"submit" | "claim", { readonly p50: number; readonly p99: number }>>;

interface Round {
  readonly alone: Latencies;
  readonly beside: Latencies;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const keyOf = (product: string): string => `the-key-of-product-${product}-in-a-bench`;
const wrong: string[] = [];
let keys = 0;

const results = {
  obeys: await measure("obeys", LIMITED),
  insists: await measure("insists", LIMITED),
  unlimited: await measure("unlimited", UNLIMITED),
};
say(
  "A              B's submits: alone, beside A (p50 ms)   ratio p50, p99   claims: ratio p50, p99   A's answers per second",
);
for (const [way, { submit, claim, answers }] of Object.entries(results))
  say(
    `${way.padEnd(14)} ${`${submit.aloneMs.toFixed(1)}, ${submit.besideMs.toFixed(1)}`.padStart(38)}   ` +
      `${`×${submit.p50.toFixed(2)}, ×${submit.p99.toFixed(2)}`.padStart(14)}   ` +
      `${`×${claim.p50.toFixed(2)}, ×${claim.p99.toFixed(2)}`.padStart(22)}   ` +
      Object.entries(answers)
        .map(([status, perSecond]) => `${perSecond.toFixed(0)} × ${status}`)
        .join(", "),
  );
for (const what of wrong) say(`WRONG ${what}`);
if (values.json) say(JSON.stringify({ ...size, ...results, wrong }));
process.exitCode = wrong.length === 0 ? 0 : 1;

async function measure(way: Way, limits: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), "fleet-bench-"));
  const entries = ["a", "b"].map((product) => ({
    ...{ name: product, products: [product], roles: ["admin"] },
    sha256: createHash("sha256").update(keyOf(product)).digest("hex"),
  }));
  const host = await startHostProcess(folder, { ...limits, FLEET_API_KEYS: JSON.stringify(entries) });
  try {
    return await rounds(way, host);
  } finally {
    if (host.ended() === undefined) await host.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function rounds(way: Way, host: Host) {
  const b = openClient(host.url, B_WORKERS, { key: keyOf("b"), product: "b" });
  const a = openClient(host.url, size.clients, { key: keyOf("a"), product: "a" });
  const state = { bGoesOn: true, aGoesOn: false };
  const working = Promise.all(Array.from({ length: B_WORKERS }, (_, n) => work(b, n, () => state.bGoesOn)));
  const measured: Round[] = [];
  const answers = new Map<number, number>();
  for (let round = -1; round < size.rounds; round++) {
    const alone = await window(b);
    state.aGoesOn = true;
    const hammering = Promise.all(
      Array.from({ length: size.clients }, (_, n) =>
        hammer(a, `a-${round + 1}-${n}`, way, () => state.aGoesOn),
      ),
    );
    const beside = await window(b);
    state.aGoesOn = false;
    await hammering;
    // The first one fills A's queue and the caches.
    if (round >= 0) {
      measured.push({ alone, beside });
      for (const [status, times] of a.tallies.get("hammer")?.answers ?? [])
        answers.set(status, (answers.get(status) ?? 0) + times);
    }
    a.begin();
  }
  state.bGoesOn = false;
  await working;
  for (const error of [...a.errors, ...b.errors]) wrong.push(`${way}: ${error}`);
  const refused = answers.get(429) ?? 0;
  if ((way === "unlimited") !== (refused === 0))
    wrong.push(`${way}: ${refused} of A's requests were refused`);
  a.close();
  b.close();
  const hammered = size.rounds * size.seconds;
  return {
    submit: compare(measured, "submit"),
    claim: compare(measured, "claim"),
    answers: Object.fromEntries([...answers].map(([status, times]) => [status, times / hammered])),
  };
}

/** What B was answered within some seconds from now. */
async function window(b: Client): Promise<Latencies> {
  b.begin();
  await sleep(size.seconds * 1000);
  const of = (name: string) => {
    const sorted = (b.tallies.get(name)?.tookMs ?? []).toSorted((x, y) => x - y);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
    return { p50: at(0.5), p99: at(0.99) };
  };
  return { submit: of("submit"), claim: of("claim") };
}

function compare(measured: readonly Round[], what: keyof Latencies) {
  const over = (of: (round: Round) => number): number => {
    const sorted = measured.map(of).toSorted((x, y) => x - y);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  };
  return {
    aloneMs: over(({ alone }) => alone[what].p50),
    besideMs: over(({ beside }) => beside[what].p50),
    p50: over(({ alone, beside }) => beside[what].p50 / alone[what].p50),
    p99: over(({ alone, beside }) => beside[what].p99 / alone[what].p99),
  };
}

/** A worker of B: its jobs one after the other, from submission to shipment. */
async function work(b: Client, n: number, goesOn: () => boolean): Promise<void> {
  const factoryId = `b-${n}`;
  const beat = { factoryId, capabilities: [], seatLimit: 4, load: 0, health: "ok" };
  await b.call("heartbeat", "POST", "/fleet/factories/heartbeat", beat);
  while (goesOn()) {
    const job = { idempotencyKey: `${factoryId}-${++keys}`, bodyMd: "x".repeat(BODY_CHARS) };
    await b.call("submit", "POST", "/fleet/jobs", job);
    const claimed = await b.call("claim", "POST", "/fleet/claim", { factoryId });
    const won = claimed?.body["job"] as { id: string; leaseEpoch: number } | null | undefined;
    if (won === null || won === undefined) continue;
    const end = { factoryId, leaseEpoch: won.leaseEpoch, stage: "shipped" };
    await b.call("ship", "PATCH", `/fleet/jobs/${won.id}`, end);
    if (keys % 50 === 0) await b.call("heartbeat", "POST", "/fleet/factories/heartbeat", beat);
  }
}

/** A client of A: submits for as long as it may. */
async function hammer(a: Client, name: string, way: Way, goesOn: () => boolean): Promise<void> {
  for (let n = 0; goesOn(); n++) {
    const job = { idempotencyKey: `${name}-${n}`, bodyMd: "x".repeat(BODY_CHARS) };
    const answer = await a.call("hammer", "POST", "/fleet/jobs", job);
    const untilMs = performance.now() + (answer?.retryAfterSeconds ?? 0) * 1000;
    while (way === "obeys" && goesOn() && performance.now() < untilMs) await sleep(20);
  }
}
