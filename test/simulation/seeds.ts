/**
 * `npm run prove:seeds -- [--seeds N] [--from S] [--json]`: random lives of a whole fleet, too large to
 * exhaust. Each seed draws its size, its cast, its faults and its schedule; the same seed is always the
 * same trace. First faults and zombies, then quiet, in which everything must come to rest.
 */
import { parseArgs } from "node:util";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { seeded } from "../support/seeded.js";
import { beat, doClaim, doPatch, doReadEvents, doRelease, doRenew, doSubmit } from "./clients.js";
import type { Identity } from "./answer-rules.js";
import { checkQuiescence } from "./quiescence.js";
import { EMPTY, Run } from "./run.js";
import type { Actor, Self } from "./run.js";

/** A fault in one of so many steps, while there are faults left. */
const CALM_STEPS_PER_FAULT = 12;
/** Steps of one life: a bound against a fleet that never ends, far above the largest. */
const STEPS_MAX = 20_000;

interface Chance {
  /** A whole number from 0 to `below` - 1. */
  readonly upTo: (below: number) => number;
  readonly oneIn: (n: number) => boolean;
}

function chanceOf(random: () => number): Chance {
  const upTo = (below: number): number => Math.floor(random() * below);
  return { upTo, oneIn: (n) => upTo(n) === 0 };
}

/** The call, or nothing if the store did not let it happen: a client tries something else then. */
async function attempt<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof StoreThrottled || error instanceof StoreUnavailable) return undefined;
    throw error;
  }
}

/** Submits, supersedes, repeats: a few keys, each depending on earlier ones. */
function producer(name: string, keys: number, chance: Chance): Actor {
  const submitOne = (self: Self): Promise<unknown> => {
    const key = chance.upTo(keys);
    const deps = key > 0 && chance.oneIn(3) ? [`key:k${chance.upTo(key)}`] : [];
    const bodyMd = `content ${chance.upTo(3)}`;
    const depsMode = chance.oneIn(2) ? ("hard" as const) : ("soft" as const);
    return doSubmit(self, `k${key}`, { bodyMd, deps, depsMode });
  };
  const act = async (self: Self): Promise<void> => {
    for (let n = 0; n < keys * 2; n++) await attempt(() => submitOne(self));
  };
  return { name, act };
}

/** Claims and works; dies silently, or writes on as a zombie with what it once held. */
function factory(name: string, factoryId: string, claims: number, chance: Chance): Actor {
  const act = async (self: Self): Promise<void> => {
    await attempt(() => beat(self, factoryId));
    let former: { jobId: string; who: Identity } | undefined;
    for (let n = 0; n < claims; n++) {
      const claimId = chance.oneIn(2) ? `c${chance.upTo(claims)}` : undefined;
      const claimed = await attempt(() => doClaim(self, factoryId, claimId));
      if (former !== undefined && chance.oneIn(3)) await workOn(self, former.jobId, former.who, chance);
      if (claimed?.kind !== "claimed") continue;
      const who = { factoryId, leaseEpoch: claimed.job.leaseEpoch };
      former = { jobId: claimed.job.id, who };
      if (!chance.oneIn(5)) await workOn(self, claimed.job.id, who, chance);
    }
  };
  return { name, act };
}

async function workOn(self: Self, jobId: string, who: Identity, chance: Chance): Promise<void> {
  const key = chance.oneIn(3) ? `op${chance.upTo(3)}` : undefined;
  for (let step = 0; step < 1 + chance.upTo(4); step++) {
    const wipCommit = `w${chance.upTo(100)}`;
    const calls: (() => Promise<unknown>)[] = [
      () => doPatch(self, jobId, who, { stage: "building", checkpoint: { wipCommit } }),
      () => doPatch(self, jobId, who, { stage: "testing" }),
      () => doPatch(self, jobId, who, { checkpoint: { wipCommit } }),
      () => doRenew(self, jobId, who, chance.upTo(50)),
      () => doReadEvents(self, jobId),
    ];
    await attempt(calls[chance.upTo(calls.length)] ?? (() => doRenew(self, jobId, who)));
  }
  const ends: (() => Promise<unknown>)[] = [
    () => doPatch(self, jobId, who, { stage: "shipped" }, key && `ship-${key}`),
    () => doPatch(self, jobId, who, { stage: "shipped" }),
    () => doPatch(self, jobId, who, { stage: "failed" }),
    () => doRelease(self, jobId, who, `w${chance.upTo(100)}`, key && `release-${key}`),
  ];
  const end = ends[chance.upTo(ends.length + 2)];
  if (end !== undefined) await attempt(end);
}

function cast(chance: Chance): { actors: Actor[]; keys: number } {
  const large = chance.oneIn(100);
  const keys = large ? 20 + chance.upTo(60) : 2 + chance.upTo(5);
  const factories = large ? 8 + chance.upTo(16) : 2 + chance.upTo(3);
  const reapers = chance.upTo(3);
  const list = (count: number, make: (n: number) => Actor): Actor[] =>
    Array.from({ length: count }, (_, n) => make(n));
  const actors = [
    ...list(1 + chance.upTo(2), (n) => producer(`producer ${n}`, keys, chance)),
    // One in eight processes shares its factory's id with another.
    ...list(factories, (n) =>
      factory(`factory ${n}`, `f${chance.oneIn(8) ? 0 : n}`, 6 + chance.upTo(6), chance),
    ),
    ...list(reapers, (n) => ({
      name: `reaper ${n}`,
      act: async (self) => {
        const sweep = startSweep(self.fleet);
        for (let tick = 0; tick < 3; tick++) await attempt(() => reapAndSweep(self.fleet, sweep));
      },
    })),
    {
      name: "time",
      act: async (self) => {
        for (let n = 0; n < 8; n++) await self.passTime(chance.upTo(120));
      },
    } satisfies Actor,
  ];
  return { actors, keys };
}

interface Life {
  readonly steps: number;
  readonly faults: number;
  readonly trace: readonly string[];
  readonly broken?: string;
}

/** One seed's life, from the first submission to rest. */
async function live(seed: number): Promise<Life> {
  const random = seeded(seed);
  const chance = chanceOf(random);
  const { actors } = cast(chance);
  const run = new Run(
    EMPTY,
    { crashes: chance.upTo(3), lost: 2 + chance.upTo(12), stale: chance.upTo(12) },
    random,
  );
  let faults = 0;
  try {
    await run.play(actors, (choices) => {
      if (run.trace.length >= STEPS_MAX) throw new Error("this life has no end");
      const wanted = chance.oneIn(CALM_STEPS_PER_FAULT);
      const some = choices.filter(({ isFault }) => isFault === wanted);
      const from = some.length > 0 ? some : choices;
      const choice = from[chance.upTo(from.length)];
      if (choice?.isFault === true) faults++;
      return choice === undefined ? 0 : choices.indexOf(choice);
    });
    await checkQuiescence(run);
    run.mustBeSound();
  } catch (error) {
    const broken = error instanceof Error ? error.message : String(error);
    return { steps: run.trace.length, faults, trace: run.trace, broken };
  }
  return { steps: run.trace.length, faults, trace: run.trace };
}

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const first = Number(values.from);
const totals = { seeds: 0, steps: 0, faults: 0 };
const violations: { seed: number; message: string }[] = [];
for (let seed = first; seed < first + Number(values.seeds) && violations.length === 0; seed++) {
  const life = await live(seed);
  totals.seeds++;
  totals.steps += life.steps;
  totals.faults += life.faults;
  if (life.broken === undefined) continue;
  violations.push({ seed, message: life.broken });
  if (values.json) continue;
  for (const line of life.trace) process.stdout.write(`    ${line}\n`);
  process.stdout.write(`✗ seed ${seed}: ${life.broken}\n  npm run prove:seeds -- --from ${seed} --seeds 1\n`);
}
const figures = {
  ...totals,
  stepsPerSeed: Math.round(totals.steps / totals.seeds),
  faultsPerSeed: totals.faults / totals.seeds,
  violations,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exitCode = violations.length === 0 ? 0 : 1;
