/**
 * Random lives of a whole fleet, too large to exhaust. Each seed draws its size, its cast, its faults
 * and its schedule; the same seed is always the same trace. First faults and zombies, then quiet, in
 * which everything must come to rest; at last each job's history, as its clients saw it, must have an
 * order that explains it.
 */
import { seeded } from "../support/seeded.js";
import { chanceOf } from "./chance.js";
import type { Chance } from "./chance.js";
import { OTHER_PRODUCT, clock, factory, producer, reaper, spy } from "./characters.js";
import { judgeHistory } from "./linearizable.js";
import { checkQuiescence } from "./quiescence.js";
import { LiveRun } from "./live-run.js";
import { EMPTY, PRODUCT } from "./run.js";
import type { Actor } from "./run.js";
import { Violation } from "./violation.js";

/** A fault in one of so many steps, while there are faults left. */
const CALM_STEPS_PER_FAULT = 12;
/** Steps of one life: a bound against a fleet that never ends, far above the largest. */
const STEPS_MAX = 100_000;
/** Clocks differ by up to this much in a random life, in seconds: more than the rules allow for. */
const SKEW_SECONDS_MAX = 4;

export interface Life {
  readonly seed: number;
  readonly steps: number;
  readonly faults: number;
  /** Histories of one job each that were found linearizable. */
  readonly histories: number;
  readonly trace: readonly string[];
  /** Store operations before and after which an actor died. */
  readonly crashed: { readonly before: readonly string[]; readonly after: readonly string[] };
  readonly broken?: { readonly invariant: string; readonly message: string };
}

function castOf(chance: Chance): readonly Actor[] {
  const large = chance.oneIn(100);
  const keys = large ? 60 + chance.upTo(140) : 2 + chance.upTo(5);
  const factories = large ? 12 + chance.upTo(24) : 2 + chance.upTo(3);
  const reapers = chance.upTo(3);
  const skew = (): number => (chance.oneIn(3) ? chance.upTo(2 * SKEW_SECONDS_MAX + 1) - SKEW_SECONDS_MAX : 0);
  const list = (count: number, make: (n: number) => Actor): Actor[] =>
    Array.from({ length: count }, (_, n) => make(n));
  // One in eight processes shares its factory's id with another.
  const worker = (n: number, productId: string): Actor =>
    factory(
      {
        name: `${productId} factory ${n}`,
        factoryId: `f${chance.oneIn(8) ? 0 : n}`,
        claims: 6 + chance.upTo(6),
        productId,
        skewSeconds: skew(),
      },
      chance,
    );
  const neighbours = chance.oneIn(4)
    ? [
        producer("neighbour", 2, chance, OTHER_PRODUCT),
        worker(0, OTHER_PRODUCT),
        ...(chance.oneIn(2) ? [spy(2, chance)] : []),
      ]
    : [];
  return [
    ...list(1 + chance.upTo(2), (n) => producer(`producer ${n}`, keys, chance)),
    ...list(factories, (n) => worker(n, PRODUCT)),
    ...neighbours,
    ...list(reapers, (n) => reaper(`reaper ${n}`, large ? 8 : 3, skew())),
    clock(large ? 20 : 8, chance),
  ];
}

/** One seed's life, from the first submission to rest. */
export async function live(seed: number): Promise<Life> {
  const random = seeded(seed);
  const chance = chanceOf(random);
  const actors = castOf(chance);
  const faultsMax = { crashes: chance.upTo(3), lost: 2 + chance.upTo(12), stale: chance.upTo(12) };
  const run = new LiveRun(EMPTY, faultsMax, random);
  const told = { faults: 0, histories: 0 };
  try {
    await run.play(actors, (choices) => {
      if (run.trace.length >= STEPS_MAX) throw new Error("this life has no end");
      const wanted = chance.oneIn(CALM_STEPS_PER_FAULT);
      const some = choices.filter(({ isFault }) => isFault === wanted);
      const from = some.length > 0 ? some : choices;
      const choice = from[chance.upTo(from.length)];
      if (choice?.isFault === true) told.faults++;
      return choice === undefined ? 0 : choices.indexOf(choice);
    });
    await checkQuiescence(run);
    run.mustBeSound();
    told.histories = checkHistories(run);
  } catch (error) {
    const invariant = error instanceof Violation ? String(error.invariant) : "exception";
    const message = error instanceof Error ? error.message : String(error);
    return { ...lived(seed, run), ...told, broken: { invariant, message } };
  }
  return { ...lived(seed, run), ...told };
}

function lived(seed: number, { trace, crashSites }: LiveRun) {
  const names = (sites: typeof crashSites.before): string[] => sites.flatMap(({ name }) => name ?? []);
  const crashed = { before: names(crashSites.before), after: names(crashSites.after) };
  return { seed, steps: trace.length, trace, crashed };
}

/** 3, as clients see it: returns how many histories have an order that explains all of their answers. */
function checkHistories(run: LiveRun): number {
  let judged = 0;
  for (const [jobId, ops] of run.monitor.history.byJob((by) => run.monitor.requests.get(by).effects)) {
    const verdict = judgeHistory(ops);
    if (verdict === "linearizable") judged++;
    if (verdict === "not_linearizable") {
      const calls = ops.map(({ call, from, to, answer }) => JSON.stringify({ from, to, call, answer }));
      throw new Violation(
        3,
        `no order of these calls explains what they were told of ${jobId}:\n${calls.join("\n")}`,
      );
    }
  }
  return judged;
}
