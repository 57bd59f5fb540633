/**
 * Explores all schedules of a scenario, within a bound on faults: stateless search by
 * replay, fewest switches and faults first. Two schedules that lead to the same state (documents, what each actor was told, what is still
 * under way, time, faults left) have the same future, so only the first is followed.
 */
import type { Choice } from "./choices.js";
import { EMPTY, Run } from "./run.js";
import { checkQuiescence } from "./quiescence.js";
import type { Actor, Self, Setting } from "./run.js";
import type { Faults } from "./state.js";
import { Violation } from "./violation.js";

export interface Scenario {
  readonly name: string;
  readonly faults: Faults;
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
  /** Executions that went to an end or to a known state, each with another trace. */
  readonly schedules: number;
  readonly states: number;
  /** Whether every schedule with its crashes and stale reads, and no lost answer, has been run. */
  readonly complete: boolean;
  /** Whether those with its lost answers have been run, too. */
  readonly exhausted: boolean;
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

/** A schedule to run: these choices, and then always the first. */
interface Prefix {
  readonly choices: readonly number[];
  /** How many differ from the calm course. */
  readonly deviations: number;
}

/** What is still to run, fewest deviations first. */
class Waiting {
  readonly #byDeviations: Prefix[][] = [];

  get isEmpty(): boolean {
    return this.#byDeviations.every((prefixes) => prefixes.length === 0);
  }

  push(prefix: Prefix): void {
    while (this.#byDeviations.length <= prefix.deviations) this.#byDeviations.push([]);
    this.#byDeviations[prefix.deviations]?.push(prefix);
  }

  next(): Prefix | undefined {
    return this.#byDeviations.find((prefixes) => prefixes.length > 0)?.pop();
  }
}

/**
 * A search that can be continued: time goes round-robin over scenarios. Schedules come in the order of
 * how many choices differ from the calm course, so that a bug that takes two switches is found before
 * the first with three is tried. Each state is followed once. Schedules without a lost answer take turns
 * with the others: there are far fewer of them, so that they are all run first.
 */
export class Explorer {
  readonly #prepared: Prepared;
  readonly #seen = new Set<string>();
  readonly #ends = new Set<string>();
  readonly #lossless = new Waiting();
  readonly #lossy = new Waiting();
  schedules = 0;
  readonly violations: Found[] = [];
  /** Store operations before and after which an actor has died. */
  readonly crashed = { before: new Set<string>(), after: new Set<string>() };

  /** An explorer of the scenario. If the set-up alone breaks an invariant, that is what it found. */
  static async begin(scenario: Scenario): Promise<Explorer> {
    try {
      return new Explorer(await prepare(scenario));
    } catch (error) {
      const nothing = new Explorer({ scenario, setting: EMPTY, actors: [] });
      nothing.violations.push(asFound(scenario.name, error, [], ["set-up"]));
      return nothing;
    }
  }

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.#lossless.push({ choices: [], deviations: 0 });
  }

  /** Whether every schedule within the bound on faults has been run, or leads to a state that was followed. */
  get exhausted(): boolean {
    return this.#lossless.isEmpty && this.#lossy.isEmpty;
  }

  /** Those of them without a lost answer. */
  get complete(): boolean {
    return this.#lossless.isEmpty;
  }

  report(): Explored {
    const { schedules, violations, complete, exhausted } = this;
    const { name } = this.#prepared.scenario;
    return { name, schedules, states: this.#seen.size, complete, exhausted, violations };
  }

  /** Runs schedules until `until` says stop, all are done, or one breaks an invariant. */
  async explore(until: () => boolean): Promise<void> {
    while (this.violations.length === 0 && !until()) {
      const [first, second] =
        this.schedules % 2 === 0 ? [this.#lossless, this.#lossy] : [this.#lossy, this.#lossless];
      const prefix = first.next() ?? second.next();
      if (prefix === undefined) return;
      await this.#runOne(prefix);
      this.schedules++;
    }
  }

  async #runOne({ choices: prefix, deviations }: Prefix): Promise<void> {
    const { scenario, setting, actors } = this.#prepared;
    const run = new Run(setting, scenario.faults);
    const path: number[] = [];
    let lossy = false;
    const choose = (choices: readonly Choice[], stateOf: () => string): number | undefined => {
      const replayed = prefix[path.length];
      if (replayed === undefined) {
        const state = stateOf();
        if (this.#seen.has(state)) return undefined;
        this.#seen.add(state);
        for (let other = 1; other < choices.length; other++) {
          const waiting = lossy || choices[other]?.isLoss === true ? this.#lossy : this.#lossless;
          waiting.push({ choices: [...path, other], deviations: deviations + 1 });
        }
      } else if (replayed >= choices.length) {
        throw new Error("the same schedule led to another state: something is not deterministic");
      }
      const taken = replayed ?? 0;
      lossy ||= choices[taken]?.isLoss === true;
      path.push(taken);
      return taken;
    };
    try {
      const ended = await run.play(actors, choose);
      this.#noteCrashes(run);
      if (ended) await this.#end(run);
    } catch (error) {
      this.violations.push(asFound(scenario.name, error, path, run.trace));
    }
  }

  #noteCrashes({ crashSites }: Run): void {
    for (const when of ["before", "after"] as const) {
      for (const { name } of crashSites[when]) if (name !== undefined) this.crashed[when].add(name);
    }
  }

  async #end(run: Run): Promise<void> {
    const state = run.store.fingerprint(false);
    if (this.#ends.has(state)) return;
    this.#ends.add(state);
    await checkQuiescence(run);
  }
}

function asFound(
  scenario: string,
  error: unknown,
  schedule: readonly number[],
  story: readonly string[],
): Found {
  const invariant = error instanceof Violation ? String(error.invariant) : "exception";
  const message = error instanceof Error ? error.message : String(error);
  return { scenario, invariant, message, schedule, story };
}

/** Runs one schedule again. Throws what it finds; the story so far is in `tell`. */
export async function replay(
  prepared: Prepared,
  schedule: readonly number[],
  tell: (line: string) => void,
): Promise<void> {
  const run = new Run(prepared.setting, prepared.scenario.faults);
  let depth = 0;
  const choose = (choices: readonly Choice[]): number => {
    const picked = schedule[depth++] ?? 0;
    tell(choices[picked]?.text ?? "");
    return picked;
  };
  if (await run.play(prepared.actors, choose)) await checkQuiescence(run);
}
