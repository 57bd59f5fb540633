/**
 * Who lives in a random life: producers that change their minds, factories that die silently, work on
 * as zombies, share an id, are impatient and send everything twice, or try their luck with the jobs of
 * another product.
 */
import { jobIdOf } from "../../shared/core/hash.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Identity } from "../../shared/core/fence.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import type { Chance } from "./chance.js";
import { doAddArtifact, doListArtifacts } from "./artifact-clients.js";
import { beat, doPatch, doReadEvents, doRelease, doRenew } from "./clients.js";
import { doBoot, doCancel, doRedrive, doReport } from "./end-clients.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import { PRODUCT } from "./run.js";
import type { Actor, Self } from "./run.js";

export const OTHER_PRODUCT = "other";
/** Requests that a client remembers, to send one again much later. */
const REMEMBERED_MAX = 10;

/** How a client sends requests: some twice at once, some again when nobody expects it. */
class Sender {
  readonly #former: (() => Promise<unknown>)[] = [];
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The answer, or nothing if the store did not let it happen: a client tries something else then. */
  async send<T>(call: () => Promise<T>): Promise<T | undefined> {
    if (this.#former.length < REMEMBERED_MAX) this.#former.push(call);
    const twice = this.#chance.oneIn(8);
    const [answer] = await Promise.all([attempt(call), ...(twice ? [attempt(call)] : [])]);
    const late = this.#chance.oneIn(8) ? this.#former[this.#chance.upTo(this.#former.length)] : undefined;
    if (late !== undefined) await attempt(late);
    return answer;
  }
}

async function attempt<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof StoreThrottled || error instanceof StoreUnavailable) return undefined;
    throw error;
  }
}

/** What a job may cost, and how often it is tried: always the same for a key, so that it is no other content. */
function policyOf(key: number): { retry?: { max: number; backoff: number }; budget?: { tokens: number } } {
  if (key % 3 === 0) return { retry: { max: 1, backoff: 20 } };
  return key % 3 === 1 ? { budget: { tokens: 60 } } : {};
}

/** Submits, supersedes, repeats: a few keys, each depending on earlier ones. */
export function producer(name: string, keys: number, chance: Chance, productId = PRODUCT): Actor {
  const submitOne = (self: Self, sender: Sender): Promise<unknown> => {
    const key = chance.upTo(keys);
    const deps = key > 0 && chance.oneIn(3) ? [`key:k${chance.upTo(key)}`] : [];
    // Now and then one that would close a cycle, or whose job may not be there yet.
    if (chance.oneIn(10)) deps.push(`key:k${chance.upTo(keys)}`);
    const bodyMd = `content ${chance.upTo(3)}`;
    const depsMode = chance.pick<"hard" | "soft">(["hard", "soft"]);
    const given = { bodyMd, deps: [...new Set(deps)], depsMode, ...policyOf(key) };
    return sender.send(() => doSubmit(self, `k${key}`, given));
  };
  /** Thinks better of a job, or better of it once more. */
  const interfere = (self: Self, sender: Sender): Promise<unknown> => {
    const jobId = jobIdOf(productId, `k${chance.upTo(keys)}`);
    return chance.oneIn(2)
      ? sender.send(() => doCancel(self, jobId))
      : sender.send(() => doRedrive(self, jobId));
  };
  const act = async (self: Self): Promise<void> => {
    const sender = new Sender(chance);
    for (let n = 0; n < keys * 2; n++) {
      await submitOne(self, sender);
      if (chance.oneIn(4)) await interfere(self, sender);
    }
  };
  return { name, act, productId };
}

export interface Character {
  readonly name: string;
  readonly factoryId: string;
  readonly claims: number;
  readonly productId: string;
  readonly skewSeconds: number;
}

/** Claims and works; dies silently, or writes on as a zombie with what it once held. */
export function factory(who: Character, chance: Chance): Actor {
  const { name, factoryId, claims, productId, skewSeconds } = who;
  const act = async (self: Self): Promise<void> => {
    const sender = new Sender(chance);
    const seats = chance.oneIn(8) ? 1 : 100;
    await sender.send(() => beat(self, factoryId, seats));
    let former: { jobId: string; who: Identity } | undefined;
    for (let n = 0; n < claims; n++) {
      const claimId = chance.oneIn(2) ? `c${chance.upTo(claims)}` : undefined;
      const claimed = await sender.send(() => doClaim(self, factoryId, claimId));
      if (chance.oneIn(8))
        await sender.send(() => doBoot(self, factoryId, `${name.replaceAll(" ", "-")}.${n}`));
      if (former !== undefined && chance.oneIn(3))
        await workOn(self, former.jobId, former.who, chance, sender);
      if (claimed?.kind !== "claimed") continue;
      const held = { factoryId, leaseEpoch: claimed.job.leaseEpoch };
      former = { jobId: claimed.job.id, who: held };
      if (!chance.oneIn(5)) await workOn(self, claimed.job.id, held, chance, sender);
    }
  };
  return { name, act, productId, skewSeconds };
}

async function workOn(
  self: Self,
  jobId: string,
  who: Identity,
  chance: Chance,
  sender: Sender,
): Promise<void> {
  const key = chance.oneIn(3) ? `op${chance.upTo(3)}` : undefined;
  for (let step = 0; step < 1 + chance.upTo(4); step++) {
    const wipCommit = `w${chance.upTo(100)}`;
    const turns = chance.upTo(50);
    const call = chance.pick<() => Promise<unknown>>([
      () => doPatch(self, jobId, who, { stage: "building", checkpoint: { wipCommit } }),
      () => doPatch(self, jobId, who, { stage: chance.oneIn(4) ? "assigned" : "testing" }),
      () => doPatch(self, jobId, who, { checkpoint: { wipCommit } }, key),
      () => doRenew(self, jobId, who, turns),
      () => doRenew(self, jobId, who),
      () => doReport(self, jobId, who, { tokensIn: turns }),
      () => doReadEvents(self, jobId),
      () => doAddArtifact(self, jobId, who, `a${chance.upTo(2)}`, chance.upTo(2), key),
      () => leaveArtifact(self, jobId, who, `a${chance.upTo(2)}`),
    ]);
    await sender.send(call);
  }
  const wipCommit = `w${chance.upTo(100)}`;
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  const end = chance.pick<() => Promise<unknown>>([
    () => doPatch(self, jobId, who, { stage: "shipped" }, key && `ship-${key}`),
    () => doPatch(self, jobId, who, { stage: "shipped" }),
    () => doPatch(self, jobId, who, { stage: "failed" }),
    () => doRelease(self, jobId, who, wipCommit, key && `release-${key}`),
    nothing,
    nothing,
  ]);
  await sender.send(end);
}

/** Registers, uploads what it likes, and looks. */
async function leaveArtifact(self: Self, jobId: string, who: Identity, name: string): Promise<void> {
  const added = await doAddArtifact(self, jobId, who, name, 1);
  if (added.kind === "artifact_added") await self.upload(added.artifact, who.factoryId);
  await doListArtifacts(self, jobId);
}

/** Knows the names of another product's jobs, and tries all that it could do to them. */
export function spy(keys: number, chance: Chance): Actor {
  const act = async (self: Self): Promise<void> => {
    for (let n = 0; n < keys; n++) {
      const jobId = jobIdOf(PRODUCT, `k${chance.upTo(keys)}`);
      const who = { factoryId: "f0", leaseEpoch: 1 + chance.upTo(3) };
      await attempt(() => doPatch(self, jobId, who, { stage: "shipped" }));
      await attempt(() => doRenew(self, jobId, who, 99));
      await attempt(() => doRelease(self, jobId, who, "stolen"));
      await attempt(() => doReadEvents(self, jobId));
      await attempt(() => doAddArtifact(self, jobId, who, "stolen", 1));
      await attempt(() => doListArtifacts(self, jobId));
      await attempt(() => doSubmit(self, `spy${n}`, { deps: [jobId] }));
      await attempt(() => doClaim(self, "f0"));
    }
  };
  return { name: "spy", act, productId: OTHER_PRODUCT };
}

export function reaper(name: string, ticks: number, skewSeconds: number): Actor {
  const act = async (self: Self): Promise<void> => {
    const sweep = startSweep(self.fleet);
    for (let tick = 0; tick < ticks; tick++) await attempt(() => reapAndSweep(self.fleet, sweep));
  };
  return { name, act, skewSeconds };
}

/** Time passes in jumps, some of them longer than any lease. */
export function clock(jumps: number, chance: Chance): Actor {
  const act = async (self: Self): Promise<void> => {
    for (let n = 0; n < jumps; n++) await self.passTime(chance.upTo(120));
  };
  return { name: "time", act };
}
