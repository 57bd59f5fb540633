/**
 * `npm run bench:http`: 64 factories call every route of the local host, started as `npm start` starts it in a process of
 * its own, for a minute after a warm-up. Prints requests per second, latencies and answers by route, the delay of
 * the host's event loop, and its memory.
 *
 * Ends with 1 where something is wrong: an answer of 5xx or one that the mix does not expect, a connection that
 * failed, a host that ended, or memory at the end of more than 1.2 times that after the warm-up. Never for
 * its speed. `-- --seconds 600` for longer, `--factories 16` for fewer, `--json` for one JSON object on the last line.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startHostProcess } from "./http/child.js";
import type { Host, Memory } from "./http/child.js";
import { openClient } from "./http/client.js";
import type { Client, Tally } from "./http/client.js";
import { work } from "./http/factory.js";

/** Before memory is compared: caches fill, code is compiled, the heap finds its size. */
const WARM_UP_SECONDS = 20;
const RSS_RATIO_MAX = 1.2;
/** Memory is the median of so long, so that one collection more or less makes no difference. */
const MEMORY_WINDOW_MS = 5000;
/** All that the contract has. */
const ROUTES = 24;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    "warm-up": { type: "string", default: String(WARM_UP_SECONDS) },
    factories: { type: "string", default: "64" },
    json: { type: "boolean", default: false },
  },
});
const size = {
  seconds: Number(values.seconds),
  warmUp: Number(values["warm-up"]),
  factories: Number(values.factories),
};
if (!(size.seconds >= 1 && size.warmUp >= 0 && size.factories >= 1))
  throw new Error("--seconds and --factories must be 1 or more, --warm-up 0 or more");

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const folder = await mkdtemp(join(tmpdir(), "fleet-bench-"));
const host = await startHostProcess(folder);
try {
  const client = openClient(host.url, size.factories);
  const figures = await load(host, client);
  client.close();
  const exit = await host.stop();
  const wrong = [
    ...client.errors,
    ...(figures.endedEarly === undefined ? [] : [figures.endedEarly]),
    ...(exit === 0 ? [] : [`the host ended with ${String(exit)}`]),
    ...(figures.memory.ratio <= RSS_RATIO_MAX ? [] : [`memory grew ×${figures.memory.ratio.toFixed(2)}`]),
  ];
  print(figures);
  for (const what of wrong) say(`WRONG ${what}`);
  if (wrong.length > 0 && host.complaints.length > 0) say(host.complaints.join("\n"));
  if (values.json) say(JSON.stringify({ ...size, ...figures, wrong }));
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  if (host.ended() === undefined) await host.stop();
  await rm(folder, { recursive: true, force: true });
}

async function load(host: Host, client: Client) {
  const state = { goesOn: true };
  const goesOn = (): boolean => state.goesOn && host.ended() === undefined;
  const all = Promise.all(Array.from({ length: size.factories }, (_, n) => work(client, n, goesOn)));
  await sleep(size.warmUp * 1000);
  client.begin();
  host.begin();
  const begunMs = performance.now();
  await sleep(size.seconds * 1000);
  const endedEarly = host.ended();
  const endMs = performance.now();
  const loop = endedEarly === undefined ? await host.loop() : undefined;
  const routes = [...client.tallies].map(routeFigures).sort((a, b) => (a.route < b.route ? -1 : 1));
  const requests = routes.reduce((sum, route) => sum + route.requests, 0);
  state.goesOn = false;
  await all;
  const before = memoryBetween(host.memory, begunMs, begunMs + MEMORY_WINDOW_MS);
  const after = memoryBetween(host.memory, endMs - MEMORY_WINDOW_MS, endMs);
  return {
    requestsPerSecond: requests / ((endMs - begunMs) / 1000),
    routes,
    loop,
    memory: { beforeMb: before, afterMb: after, ratio: after / before },
    endedEarly,
  };
}

function routeFigures([route, { tookMs, answers }]: readonly [string, Tally]) {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    route,
    requests: sorted.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    answers: Object.fromEntries(answers),
  };
}

/** Resident memory in MB. */
function memoryBetween(samples: readonly Memory[], fromMs: number, toMs: number): number {
  const within = samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).map(({ rss }) => rss);
  return (within.toSorted((a, b) => a - b)[Math.floor(within.length / 2)] ?? NaN) / 1024 / 1024;
}

function print({ requestsPerSecond, routes, loop, memory }: Awaited<ReturnType<typeof load>>): void {
  say("route             requests   p50 ms   p99 ms  answers");
  for (const { route, requests, p50Ms, p99Ms, answers } of routes)
    say(
      `${route.padEnd(16)} ${String(requests).padStart(9)} ${p50Ms.toFixed(1).padStart(8)} ${p99Ms.toFixed(1).padStart(8)}  ` +
        Object.entries(answers)
          .map(([status, times]) => `${times} × ${status}`)
          .join(", "),
    );
  say(`${requestsPerSecond.toFixed(0)} requests per second, of ${routes.length} of the ${ROUTES} routes`);
  if (loop !== undefined) {
    const { p50Ms, p99Ms, maxMs, busy } = loop;
    say(
      `event loop: delayed by ${p50Ms.toFixed(1)} ms (median), ${p99Ms.toFixed(1)} (p99), ${maxMs.toFixed(1)} (max); busy ${(busy * 100).toFixed(0)} %`,
    );
  }
  const { beforeMb, afterMb, ratio } = memory;
  say(
    `memory: ${beforeMb.toFixed(0)} MB after the warm-up, ${afterMb.toFixed(0)} MB at the end, ×${ratio.toFixed(2)}`,
  );
}
