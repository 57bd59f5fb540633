/**
 * `npm run bench:claim`: whether a claim costs the same whatever waits and whoever else claims.
 *
 * First on files of the embedded store: the median latency of a claim with 1,000 jobs queued, with 1,000,000, and with
 * 100,000 ahead that the factory can't take. The files take turns, so that a busy machine slows all: trust the ratios.
 * Then with 64 claimers on one instance and on four, over one store whose operations take 5 ms each: tries per claim
 * in virtual time, where the machine takes none, and claims per second there and in real time, beside the same code
 * with spreading off.
 *
 * `-- --jobs 100000`, `--ineligible 10000`, `--runs 50`, `--claims 500` for other sizes, `--skip-latency` for the second part
 * alone, `--json` for one JSON object on the last line.
 */
import { parseArgs } from "node:util";
import { holdContest } from "./claim/contention.js";
import type { ContestFigures } from "./claim/contention.js";
import { measureLatency } from "./claim/latency.js";
import type { LatencyFigures } from "./claim/latency.js";
import { realTime, virtualTime } from "./claim/time.js";

const FEW = 1000;
const CLAIMERS = 64;
const DELAY_MS = 5;
const TARGETS = { latencyRatio: 1.5, triesOne: 1.1, triesFour: 2, speedUp: 8 };

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000000" },
    ineligible: { type: "string", default: "100000" },
    runs: { type: "string", default: "101" },
    claims: { type: "string", default: "1000" },
    "skip-latency": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function verdict(what: string, found: number, isMet: boolean, target: string): string {
  return `${isMet ? "met   " : "MISSED"} ${what}: ${found.toFixed(2)}, target ${target}`;
}

const latency: LatencyFigures[] = [];
if (!values["skip-latency"]) {
  const [many, ineligible] = [Number(values.jobs), Number(values.ineligible)];
  const queues = [
    { name: `${FEW} queued`, queued: FEW, ineligible: 0 },
    { name: `${many} queued`, queued: many, ineligible: 0 },
    { name: `${FEW} queued behind ${ineligible} for others`, queued: FEW, ineligible },
  ];
  latency.push(...(await measureLatency(queues, Number(values.runs), say)));
  say(`a claim on the embedded store, medians of ${values.runs}: in all, of which reads (each to the first)`);
  for (const { name, claimMs, readsMs, claimRatio, readsRatio } of latency)
    say(
      `${claimMs.toFixed(2).padStart(8)} ms ×${claimRatio.toFixed(2)} ${readsMs.toFixed(3).padStart(9)} ms ×${readsRatio.toFixed(2)}  ${name}`,
    );
}

interface Contested extends ContestFigures {
  readonly time: "virtual" | "real";
}

const contests: Contested[] = [];
for (const time of ["virtual", "real"] as const)
  for (const instances of [1, 4])
    for (const spreading of ["share", "race"] as const) {
      const contest = {
        instances,
        claimers: CLAIMERS,
        spreading,
        delayMs: DELAY_MS,
        claims: Number(values.claims),
      };
      contests.push({
        time,
        ...(await holdContest(contest, time === "virtual" ? virtualTime() : realTime())),
      });
    }
say(
  `${CLAIMERS} claimers, ${DELAY_MS} ms per operation of the store: tries per claim, claims per second, told to come later`,
);
for (const { time, instances, spreading, triesPerClaim, claimsPerSecond, contended } of contests)
  say(
    `${triesPerClaim.toFixed(2).padStart(8)} ${claimsPerSecond.toFixed(0).padStart(7)} ${String(contended).padStart(6)}  ` +
      `${instances === 1 ? "one instance" : `${instances} instances`}, spreading ${spreading === "share" ? "on" : "off"}, ${time} time`,
  );

const contested = (time: string, instances: number, spreading: string): ContestFigures => {
  const found = contests.find(
    (one) => one.time === time && one.instances === instances && one.spreading === spreading,
  );
  if (found === undefined) throw new Error("no such contest");
  return found;
};
const speedUp = (time: string): number =>
  contested(time, 4, "share").claimsPerSecond / contested(time, 4, "race").claimsPerSecond;
const triesOne = contested("virtual", 1, "share").triesPerClaim;
const triesFour = contested("virtual", 4, "share").triesPerClaim;
for (const { name, claimRatio } of latency.slice(1))
  say(
    verdict(
      `a claim with ${name}`,
      claimRatio,
      claimRatio <= TARGETS.latencyRatio,
      `at most ${TARGETS.latencyRatio}`,
    ),
  );
say(
  verdict(
    "tries per claim, one instance",
    triesOne,
    triesOne <= TARGETS.triesOne,
    `at most ${TARGETS.triesOne}`,
  ),
);
say(
  verdict(
    "tries per claim, four instances",
    triesFour,
    triesFour <= TARGETS.triesFour,
    `at most ${TARGETS.triesFour}`,
  ),
);
for (const time of ["virtual", "real"])
  say(
    verdict(
      `claims per second to spreading off, ${time} time`,
      speedUp(time),
      speedUp(time) >= TARGETS.speedUp,
      `at least ${TARGETS.speedUp}`,
    ),
  );
if (values.json)
  say(JSON.stringify({ latency, contests, speedUp: { virtual: speedUp("virtual"), real: speedUp("real") } }));
