/**
 * `npm run prove -- [--minutes M] [--scenario TEXT] [--first] [--threads N] [--json] [--replay TRACE]`
 * Explores every scenario and lives random lives, on every core, and tells what it found. `--first` stops
 * at the first violation. Ends non-zero on a violation.
 */
import { availableParallelism, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { sitesThatExist } from "./call-site.js";
import { omit } from "../../shared/schema/omit.js";
import { prepare, replay } from "./explore.js";
import type { Explored, Found } from "./explore.js";
import { SCENARIOS } from "./scenarios.js";
import { SCHEDULES_ENOUGH } from "./share.js";
import type { Findings, Share } from "./share.js";
import { shrink } from "./shrink.js";
import { branchesThatExist } from "./sometimes.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    scenario: { type: "string", default: "" },
    threads: { type: "string", default: String(availableParallelism()) },
    json: { type: "boolean", default: false },
    replay: { type: "string" },
    first: { type: "boolean", default: false },
  },
});

const REDUCTION =
  "a state is followed once; an actor is told each thing once, and whoever is told the same goes the same way";

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A schedule that can be pasted: the scenario's place, and the choices. */
function toTrace({ scenario, schedule }: Found): string {
  return `${SCENARIOS.findIndex(({ name }) => name === scenario)}:${schedule.join(".")}`;
}

async function replayTrace(trace: string): Promise<number> {
  const [place = "", schedule = ""] = trace.split(":");
  const scenario = SCENARIOS[Number(place)];
  if (scenario === undefined) throw new Error(`there is no scenario ${place}`);
  say(scenario.name);
  try {
    await replay(await prepare(scenario), schedule.split(".").filter(Boolean).map(Number), (line) => {
      say(`  ${line}`);
    });
    say("  no invariant is broken.");
    return 0;
  } catch (error) {
    say(`  ✗ ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** One thread's findings. With `--first` the others end when one has found something. */
function startShare(share: Share, others: Worker[]): Promise<Findings | undefined> {
  // What was seen is remembered: of the machine's memory, half is for all threads together.
  const resourceLimits = { maxOldGenerationSizeMb: Math.floor(totalmem() / 2 ** 20 / 2 / share.of) };
  const worker = new Worker(new URL("./prove-worker.js", import.meta.url), {
    workerData: share,
    resourceLimits,
  });
  others.push(worker);
  return new Promise((resolve, reject) => {
    worker.once("message", (findings: Findings) => {
      resolve(findings);
      const found = findings.lives.violations.length + findings.scenarios.flatMap((s) => s.violations).length;
      if (share.first && found > 0) for (const other of others) if (other !== worker) void other.terminate();
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      resolve(undefined);
    });
  });
}

async function explore(): Promise<number> {
  const of = Number(values.threads);
  const workers: Worker[] = [];
  const shares = Array.from({ length: of }, (_, index) =>
    startShare(
      { index, of, minutes: Number(values.minutes), scenario: values.scenario, first: values.first },
      workers,
    ),
  );
  const findings = (await Promise.all(shares)).filter((found) => found !== undefined);
  const figures = await figuresOf(findings);
  if (values.json) say(JSON.stringify(figures));
  else tell(figures);
  return figures.violations.length === 0 ? 0 : 1;
}

type Figures = Awaited<ReturnType<typeof figuresOf>>;

async function figuresOf(findings: readonly Findings[]) {
  const scenarios = findings.flatMap((found) => found.scenarios);
  const found = scenarios.flatMap((scenario) => scenario.violations);
  const shrunk = await Promise.all(found.map((one) => shrink(one, SCENARIOS)));
  const sites = sitesThatExist();
  const died = (when: "before" | "after"): Set<string> =>
    new Set(findings.flatMap(({ crashed }) => crashed[when]));
  const [before, after] = [died("before"), died("after")];
  const missed = sites.filter((site) => !before.has(site) || !after.has(site));
  const branches = branchesThatExist();
  const hit = new Set(findings.flatMap(({ sometimes }) => sometimes));
  const sum = (of: (found: Findings) => number): number =>
    findings.reduce((total, one) => total + of(one), 0);
  return {
    reduction: REDUCTION,
    scenarios: scenarios.map((scenario) => omit(scenario, "violations")),
    ofTwo: ofTwo(scenarios),
    schedules: scenarios.reduce((total, { schedules }) => total + schedules, 0),
    states: scenarios.reduce((total, { states }) => total + states, 0),
    rerun: scenarios.reduce((total, { rerun }) => total + rerun, 0),
    crashPoints: { covered: sites.length - missed.length, total: sites.length, missed },
    sometimes: {
      hit: hit.size,
      total: branches.length,
      never: branches.filter((branch) => !hit.has(branch)),
    },
    seeds: sum(({ lives }) => lives.seeds),
    operations: sum(({ lives }) => lives.steps),
    faults: sum(({ lives }) => lives.faults),
    histories: sum(({ lives }) => lives.histories),
    violations: [
      ...shrunk.map((one) => ({
        ...one,
        trace: toTrace(one),
        replay: `npm run prove -- --replay ${toTrace(one)}`,
      })),
      ...findings
        .flatMap(({ lives }) => lives.violations)
        .map(({ seed, invariant, message, trace }) => ({
          scenario: `the life of seed ${seed}`,
          invariant,
          message,
          story: trace,
          replay: `npm run prove:seeds -- --from ${seed} --seeds 1`,
        })),
    ],
  };
}

/** Of the scenarios of two processes, how many are done, and by which of the two. */
function ofTwo(scenarios: readonly Explored[]) {
  const all = scenarios.filter(({ processes }) => processes === 2);
  const complete = all.filter((scenario) => scenario.complete).length;
  const enough = all.filter(
    (scenario) => !scenario.complete && scenario.schedules >= SCHEDULES_ENOUGH,
  ).length;
  return { total: all.length, complete, enough, neither: all.length - complete - enough };
}

function tell(figures: Figures): void {
  for (const { name, processes, schedules, states, complete, exhausted } of figures.scenarios) {
    const counts = `${String(schedules).padStart(8)} schedules ${String(states).padStart(8)} states`;
    const how = exhausted ? "exhausted" : complete ? "complete" : "so far";
    say(`${how.padStart(9)} ${counts} ${processes} processes  ${name}`);
  }
  say("complete: all schedules with its crashes and stale reads; exhausted: with lost answers, too");
  say(`reduction: ${figures.reduction}`);
  const { total, complete, enough, neither } = figures.ofTwo;
  say(
    `of ${total} scenarios of two processes ${complete} are complete, ${enough} others came to ${SCHEDULES_ENOUGH} schedules, ${neither} to neither`,
  );
  say(`${figures.rerun} schedules were run again from the beginning, each to the same state`);
  const { crashPoints, sometimes, seeds, histories } = figures;
  say(
    `${figures.schedules} schedules, ${figures.states} states; ${seeds} lives, ${histories} linearizable histories`,
  );
  say(`died before and after ${crashPoints.covered} of ${crashPoints.total} store operations`);
  for (const site of crashPoints.missed) say(`  not crashed both ways: ${site}`);
  say(`came through ${sometimes.hit} of ${sometimes.total} branches that must be taken sometimes`);
  for (const branch of sometimes.never) say(`  never: ${branch}`);
  for (const found of figures.violations) {
    say(`✗ ${found.scenario}: ${found.message}`);
    for (const line of found.story) say(`    ${line}`);
    say(`  ${found.replay}`);
  }
  say(`${figures.violations.length} violations`);
}

process.exitCode = values.replay === undefined ? await explore() : await replayTrace(values.replay);
