/**
 * Explores all schedules of a scenario, within a bound on faults, fewest switches and faults first. Two
 * schedules that lead to the same state (documents, what each actor was told, what is still
 * under way, time, faults left) have the same future, so only the first is followed.
 */
import type { Choice } from "./choices.js";
import { LiveRun } from "./live-run.js";
import { checkQuiescence } from "./quiescence.js";
import { EMPTY, Run } from "./run.js";
import type { Actor, Self, Setting } from "./run.js";
import type { Faults } from "./state.js";
import { Violation } from "./violation.js";
import { Walk } from "./walk.js";
import { Trail } from "./trail.js";
import { Waiting } from "./waiting.js";
import type { Prefix } from "./waiting.js";

export interface Scenario {
  readonly name: string;
  readonly faults: Faults;
  /** How many processes meet; time is none. */
  readonly processes: number;
  /** What is there before it begins, made without faults. Its result is what the actors know. */
  readonly actors: (setUp: Self, advance: (seconds: number) => void) => Promise<readonly Actor[]>;
}

export interface Found {
  readonly scenario: string;
  readonly invariant: string;
  readonly message: string;
  /** The choices that lead to it, by their places: `npm run prove -- --replay` takes them. */
  readonly schedule: readonly number[];
  readonly story: readonly string[];
}

export interface Explored {
  readonly name: string;
  readonly processes: number;
  /** Executions that went to an end or to a known state, each with another trace. */
  readonly schedules: number;
  readonly states: number;
  /** Whether every schedule with its crashes and stale reads, and no lost answer, has been run. */
  readonly complete: boolean;
  /** Whether those with its lost answers have been run, too. */
  readonly exhausted: boolean;
  /** Schedules that every actor has run from the beginning as well: to the same state. */
  readonly rerun: number;
  readonly violations: readonly Found[];
}

export interface Prepared {
  readonly scenario: Scenario;
  readonly setting: Setting;
  readonly actors: readonly Actor[];
}

const NO_FAULTS: Faults = { crashes: 0, lost: 0, stale: 0 };

export async function prepare(scenario: Scenario): Promise<Prepared> {
  const run = new Run(EMPTY, NO_FAULTS);
  const actors = await scenario.actors(run.calm("set-up"), (seconds) => {
    run.advance(seconds);
  });
  run.mustBeSound();
  return { scenario, setting: run.setting(), actors };
}

/** Often enough for hundreds of each scenario, and for some hundredths of the time. */
const RERUN_EVERY = 200;

/**
 * A search that can be continued: time goes round-robin over scenarios. Schedules come in the order of
 * how many choices differ from the calm course, so that a bug that takes two switches is found before
 * the first with three is tried. Each state is followed once. Schedules without a lost answer take turns
 * with the others: there are far fewer of them, so that they are all run first.
 */
export class Explorer {
  readonly #prepared: Prepared;
  readonly #rerunEvery: number;
  readonly #seen = new Set<string>();
  readonly #ends = new Set<string>();
  readonly #lossless = new Waiting();
  readonly #lossy = new Waiting();
  #trail: Trail | undefined;
  schedules = 0;
  #rerun = 0;
  #states = 0;
  readonly violations: Found[] = [];
  /** Store operations before and after which an actor has died. */
  readonly crashed = { before: new Set<string>(), after: new Set<string>() };

  /** An explorer of the scenario. If the set-up alone breaks an invariant, that is what it found. */
  static async begin(scenario: Scenario): Promise<Explorer> {
    try {
      return new Explorer(await prepare(scenario));
    } catch (error) {
      const nothing = new Explorer({ scenario, setting: EMPTY, actors: [] });
      const where = { scenario: scenario.name, schedule: [], story: ["set-up"] };
      nothing.violations.push({ ...asFound(error), ...where });
      return nothing;
    }
  }

  /** One in `rerunEvery` schedules is run by every actor from the beginning, too. */
  constructor(prepared: Prepared, rerunEvery = RERUN_EVERY) {
    this.#prepared = prepared;
    this.#rerunEvery = rerunEvery;
    this.#lossless.push(undefined, [0], 0);
  }

  /** Whether every schedule within the bound on faults has been run, or leads to a state that was followed. */
  get exhausted(): boolean {
    return this.#lossless.isEmpty && this.#lossy.isEmpty;
  }

  /** Those of them without a lost answer. */
  get complete(): boolean {
    return this.#lossless.isEmpty;
  }

  get processes(): number {
    return this.#prepared.scenario.processes;
  }

  report(): Explored {
    const { schedules, violations, complete, exhausted, processes } = this;
    const { name } = this.#prepared.scenario;
    const [states, rerun] = [this.#states, this.#rerun];
    return { name, processes, schedules, states, complete, exhausted, rerun, violations };
  }

  /** Runs schedules until `until` says stop, all are done, or one breaks an invariant. */
  async explore(until: () => boolean): Promise<void> {
    while (this.violations.length === 0 && !until()) {
      const [first, second] =
        this.schedules % 2 === 0 ? [this.#lossless, this.#lossy] : [this.#lossy, this.#lossless];
      const prefix = first.next() ?? second.next();
      if (prefix === undefined) {
        this.#forget();
        return;
      }
      await this.#runOne(prefix);
      this.schedules++;
    }
  }

  async #runOne(prefix: Prefix): Promise<void> {
    const { setting, actors, scenario } = this.#prepared;
    try {
      this.#trail ??= new Trail(await Walk.begin(setting, scenario.faults, actors));
      await this.#follow(this.#trail, prefix);
      this.#noteCrashes(this.#trail.walk);
      if (this.schedules % this.#rerunEvery === 0) await this.#runAgain(this.#trail);
      if (this.#trail.choices.length === 0) await this.#end(this.#trail);
    } catch (error) {
      this.violations.push(await this.#told(asFound(error)));
    }
  }

  /** Goes where the prefix begins, by its choice, and then always by the first, until what follows is known. */
  async #follow(trail: Trail, { after, choice, deviations }: Prefix): Promise<void> {
    await trail.goTo(after);
    // All begins with no choice at all: where it begins is news.
    let isNews = after === undefined && choice === 0;
    for (let next = choice; trail.choices.length > 0; next = 0) {
      if (isNews && !this.#isNew(trail, deviations)) return;
      await trail.goOn(next);
      isNews = true;
    }
  }

  /** Whether nobody was here before. Then all ways from here but the first are for later. */
  #isNew({ walk, last: after, choices }: Trail, deviations: number): boolean {
    const state = walk.fingerprint();
    if (this.#seen.has(state)) return false;
    this.#seen.add(state);
    this.#states++;
    const [lossless, lossy]: [number[], number[]] = [[], []];
    for (let choice = 1; choice < choices.length; choice++)
      (after?.isLossy === true || choices[choice]?.isLoss === true ? lossy : lossless).push(choice);
    this.#lossless.push(after, lossless, deviations + 1);
    this.#lossy.push(after, lossy, deviations + 1);
    return true;
  }

  /** All is done: what was remembered for more is not needed. */
  #forget(): void {
    this.#trail = undefined;
    this.#seen.clear();
    this.#ends.clear();
  }

  #noteCrashes({ crashSites }: Run): void {
    for (const when of ["before", "after"] as const)
      for (const { name } of crashSites[when].splice(0)) if (name !== undefined) this.crashed[when].add(name);
  }

  /** The same schedule, run by every actor from the beginning, leads where the walk is. */
  async #runAgain({ walk, schedule }: Trail): Promise<void> {
    const { setting, scenario, actors } = this.#prepared;
    const run = new LiveRun(setting, scenario.faults);
    await run.play(actors, () => schedule[run.trace.length]);
    if (run.fingerprint() !== walk.fingerprint())
      throw new Error("a schedule that was run from the beginning led to another state than its short cut");
    this.#rerun++;
  }

  /** At rest. */
  async #end(trail: Trail): Promise<void> {
    const state = trail.walk.store.fingerprint(false);
    if (this.#ends.has(state)) return;
    this.#ends.add(state);
    trail.leave();
    await checkQuiescence(trail.walk);
  }

  /** What was found as a story: of every actor, run from the beginning. */
  async #told(found: Pick<Found, "invariant" | "message">): Promise<Found> {
    const scenario = this.#prepared.scenario.name;
    const schedule = this.#trail?.schedule ?? [];
    const story: string[] = [];
    try {
      await replay(this.#prepared, schedule, (line) => story.push(line));
    } catch (error) {
      return { ...asFound(error), scenario, schedule, story };
    }
    return { ...found, invariant: "exception", scenario, schedule, story };
  }
}

function asFound(error: unknown): Pick<Found, "invariant" | "message"> {
  const invariant = error instanceof Violation ? String(error.invariant) : "exception";
  return { invariant, message: error instanceof Error ? error.message : String(error) };
}

/** Runs one schedule again. Throws what it finds; the story so far is in `tell`. */
export async function replay(
  prepared: Prepared,
  schedule: readonly number[],
  tell: (line: string) => void,
): Promise<void> {
  const run = new LiveRun(prepared.setting, prepared.scenario.faults);
  let depth = 0;
  const choose = (choices: readonly Choice[]): number => {
    const picked = schedule[depth++] ?? 0;
    tell(choices[picked]?.text() ?? "");
    return picked;
  };
  if (await run.play(prepared.actors, choose)) await checkQuiescence(run);
}
