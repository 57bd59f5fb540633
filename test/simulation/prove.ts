/**
 * `npm run prove -- [--minutes M] [--scenario TEXT] [--first] [--json] [--replay TRACE]`
 * Explores every scenario, time going round-robin, and tells what it found. `--first` stops at the first violation. Ends non-zero on a violation.
 */
import { parseArgs } from "node:util";
import { Explorer, prepare, replay } from "./explore.js";
import type { Found } from "./explore.js";
import { sitesThatExist } from "./call-site.js";
import { SCENARIOS } from "./scenarios.js";
import { shrink } from "./shrink.js";

/** Short slices first: with `--first`, a bug that one scenario shows at once should not wait for the others. */
const SLICE_MS_MIN = 30;
const SLICE_MS_MAX = 500;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    scenario: { type: "string", default: "" },
    json: { type: "boolean", default: false },
    replay: { type: "string" },
    first: { type: "boolean", default: false },
  },
});

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

async function explore(): Promise<number> {
  const chosen = SCENARIOS.filter(({ name }) => name.includes(values.scenario));
  const explorers = await Promise.all(chosen.map((scenario) => Explorer.begin(scenario)));
  const end = Date.now() + Number(values.minutes) * 60_000;
  const open = (): Explorer[] => explorers.filter((e) => !e.complete && e.violations.length === 0);
  const enough = (): boolean => values.first && explorers.some((e) => e.violations.length > 0);
  for (let round = 0; !enough() && open().length > 0 && (round === 0 || Date.now() < end); round++) {
    for (const explorer of open()) {
      if (enough()) break;
      const sliceEnd = Date.now() + Math.min(SLICE_MS_MAX, SLICE_MS_MIN * 2 ** round);
      await explorer.explore(() => Date.now() > sliceEnd);
    }
  }
  return report(explorers);
}

async function report(explorers: readonly Explorer[]): Promise<number> {
  const scenarios = explorers.map((explorer) => explorer.report());
  const violations = await Promise.all(
    scenarios.flatMap((s) => s.violations).map((found) => shrink(found, SCENARIOS)),
  );
  const sites = sitesThatExist();
  const covered = (site: string): boolean =>
    explorers.some((e) => e.crashed.before.has(site)) && explorers.some((e) => e.crashed.after.has(site));
  const missed = sites.filter((site) => !covered(site));
  const figures = {
    scenarios: scenarios.map(({ name, schedules, states, complete }) => ({
      name,
      schedules,
      states,
      complete,
    })),
    schedules: scenarios.reduce((sum, { schedules }) => sum + schedules, 0),
    crashPoints: { covered: sites.length - missed.length, total: sites.length },
    violations: violations.map((found) => ({ ...found, trace: toTrace(found) })),
  };
  if (values.json) say(JSON.stringify(figures));
  else {
    for (const { name, schedules, states, complete } of figures.scenarios) {
      say(
        `${complete ? "complete" : "  so far"} ${String(schedules).padStart(8)} schedules ${String(states).padStart(8)} states  ${name}`,
      );
    }
    say(
      `${figures.schedules} schedules; died before and after ${figures.crashPoints.covered} of ${sites.length} store operations`,
    );
    for (const site of missed) say(`  not crashed both ways: ${site}`);
    for (const found of figures.violations) {
      say(`✗ ${found.scenario}: ${found.message}`);
      for (const line of found.story) say(`    ${line}`);
      say(`  npm run prove -- --replay ${found.trace}`);
    }
    say(`${figures.violations.length} violations`);
  }
  return figures.violations.length === 0 ? 0 : 1;
}

process.exitCode = values.replay === undefined ? await explore() : await replayTrace(values.replay);
