/** One core's share of a proof: every n-th scenario, time going round-robin, and random lives between the rounds. */
import { Session } from "node:inspector/promises";
import { getHeapStatistics } from "node:v8";
import { Explorer } from "./explore.js";
import type { Explored } from "./explore.js";
import { live } from "./lives.js";
import { SCENARIOS } from "./scenarios.js";
import { branchesHit } from "./sometimes.js";

/** Short slices first: with `first`, a bug that one scenario shows at once should not wait for the others. */
const SLICE_MS_MIN = 10;
const SLICE_MS_MAX = 500;
/** Of each round, how much belongs to lives, compared with the scenarios: while branches are counted, and after. */
const LIVES_PART = { counting: 0.25, after: 0.1 };
/** Counting branches takes a third of the speed, and shows most in the first minute: so long, or this part of the time. */
const COUNTING_MS_MIN = 60_000;
const COUNTING_PART = 0.1;
/** An incomplete scenario of which so many schedules were run waits until all have as many. */
export const SCHEDULES_ENOUGH = 40_000;
/** No scenario gets more, and none when memory is so full: time that is left is for lives. */
const SCHEDULES_MAX = 100_000;
const HEAP_PART_MAX = 0.75;
/** Of so many rounds, one is for every scenario that lacks; the rest, for those of two processes. */
const ROUNDS_OF_ALL = 4;

export interface Share {
  /** Which of how many shares this is. */
  readonly index: number;
  readonly of: number;
  readonly minutes: number;
  /** Only scenarios with this in their names, and no lives. */
  readonly scenario: string;
  /** Whether the first violation ends it. */
  readonly first: boolean;
}

export interface LifeFound {
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
  readonly trace: readonly string[];
}

export interface Findings {
  readonly scenarios: readonly Explored[];
  /** Store operations before and after which an actor died. */
  readonly crashed: { readonly before: readonly string[]; readonly after: readonly string[] };
  readonly lives: Lives;
  /** Branches that were come through. */
  readonly sometimes: readonly string[];
}

export interface Lives {
  seeds: number;
  steps: number;
  faults: number;
  histories: number;
  readonly violations: LifeFound[];
}

export async function prove(share: Share): Promise<Findings> {
  const branches = await BranchCount.begin();
  const chosen = SCENARIOS.filter(
    ({ name }, place) => place % share.of === share.index && name.includes(share.scenario),
  );
  const explorers = await Promise.all(chosen.map((scenario) => Explorer.begin(scenario)));
  const lives: Lives = { seeds: 0, steps: 0, faults: 0, histories: 0, violations: [] };
  const crashed = { before: new Set<string>(), after: new Set<string>() };
  const begin = Date.now();
  const end = begin + share.minutes * 60_000;
  const counted = begin + Math.max(COUNTING_MS_MIN, (end - begin) * COUNTING_PART);
  const open = (): Explorer[] =>
    memoryIsFull()
      ? []
      : explorers.filter((e) => !e.exhausted && e.violations.length === 0 && e.schedules < SCHEDULES_MAX);
  const broken = (): boolean => lives.violations.length > 0 || explorers.some((e) => e.violations.length > 0);
  const enough = (): boolean => share.first && broken();
  const wantsLives = share.scenario === "";
  for (let round = 0; !enough() && (round === 0 || Date.now() < end); round++) {
    if (open().length === 0 && (!wantsLives || lives.violations.length > 0)) break;
    const begun = Date.now();
    if (begun > counted) await branches.stop();
    for (const explorer of chosenOf(open(), round)) {
      if (enough()) break;
      const sliceEnd = Date.now() + Math.min(SLICE_MS_MAX, SLICE_MS_MIN * 2 ** round);
      await explorer.explore(() => Date.now() > sliceEnd);
    }
    const livesPart = branches.stopped ? LIVES_PART.after : LIVES_PART.counting;
    const livesEnd = Date.now() + Math.max(SLICE_MS_MIN, (Date.now() - begun) * livesPart);
    while (wantsLives && Date.now() < livesEnd && lives.violations.length === 0 && !enough())
      await liveOne(lives, 1 + share.index + lives.seeds * share.of, crashed);
  }
  for (const explorer of explorers) {
    for (const when of ["before", "after"] as const)
      for (const site of explorer.crashed[when]) crashed[when].add(site);
  }
  await branches.stop();
  return {
    scenarios: explorers.map((explorer) => explorer.report()),
    crashed: { before: [...crashed.before], after: [...crashed.after] },
    lives,
    sometimes: branches.hit,
  };
}

/** Which branches were come through, by V8's own count of its blocks, while it counts. */
class BranchCount {
  hit: readonly string[] = [];
  stopped = false;
  readonly #profiler: Session;

  private constructor(profiler: Session) {
    this.#profiler = profiler;
  }

  static async begin(): Promise<BranchCount> {
    const profiler = new Session();
    profiler.connect();
    await profiler.post("Profiler.enable");
    await profiler.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
    return new BranchCount(profiler);
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    const { result } = await this.#profiler.post("Profiler.takePreciseCoverage");
    this.hit = branchesHit(result);
    await this.#profiler.post("Profiler.stopPreciseCoverage");
    this.#profiler.disconnect();
  }
}

function memoryIsFull(): boolean {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used > HEAP_PART_MAX * limit;
}

/** Whose turn it is: of those that lack schedules, most often those of two processes; then all that are open. */
function chosenOf(open: readonly Explorer[], round: number): readonly Explorer[] {
  const lacking = open.filter((e) => !e.complete && e.schedules < SCHEDULES_ENOUGH);
  const ofTwo = lacking.filter(({ processes }) => processes === 2);
  if (ofTwo.length > 0 && round % ROUNDS_OF_ALL !== 0) return ofTwo;
  return lacking.length > 0 ? lacking : open;
}

async function liveOne(
  lives: Lives,
  seed: number,
  crashed: { before: Set<string>; after: Set<string> },
): Promise<void> {
  const life = await live(seed);
  lives.seeds++;
  lives.steps += life.steps;
  lives.faults += life.faults;
  lives.histories += life.histories;
  for (const when of ["before", "after"] as const)
    for (const site of life.crashed[when]) crashed[when].add(site);
  if (life.broken !== undefined) lives.violations.push({ seed, ...life.broken, trace: life.trace });
}
