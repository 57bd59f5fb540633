/**
 * Twenty factories at work over HTTP while the store fails. Each repeats what it was told to send again,
 * as a good client does, and notes every definite answer: what somebody was told must be so for ever.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Answered } from "./http-answer.js";
import type { HttpApp } from "./http-app.js";
import type { Watch } from "./watch.js";

/** Requests between two runs of the reaper, and for a second of the coordinator's clock. */
const REQUESTS_PER_REAP = 300;
const REQUESTS_PER_SECOND = 10;
/** Somebody who is told to try again so often is never told anything. */
const TRIES_MAX = 300;
const PRODUCT = "acme";

/** A job at an epoch of it, and whose it was said to be. */
export interface Held {
  readonly jobId: string;
  readonly leaseEpoch: number;
  readonly factoryId: string;
}

/** Every definite answer that says something of a job. */
export interface Told {
  /** By id: its idempotency key. */
  readonly submitted: Map<string, string>;
  readonly claimed: Held[];
  readonly shipped: Held[];
  readonly released: Held[];
  /** Told that the job is not theirs. */
  readonly refused: Held[];
}

export interface FaultyFleet {
  readonly app: HttpApp;
  readonly factories: number;
  readonly jobs: number;
  readonly random: () => number;
  readonly watch: Watch;
}

export interface Answers {
  /** Requests that got an answer, and those of them that were 429 and 503. */
  requests: number;
  throttled: number;
  unavailable: number;
  /** Jobs that a factory walked away from. */
  abandoned: number;
}

/** Works until somebody was told of each job that it is shipped. Throws at the first answer that no rule allows. */
export async function workThrough(given: FaultyFleet): Promise<{ told: Told; answers: Answers }> {
  const told: Told = { submitted: new Map(), claimed: [], shipped: [], released: [], refused: [] };
  const answers: Answers = { requests: 0, throttled: 0, unavailable: 0, abandoned: 0 };
  const fleet: Fleet = { ...given, told, answers, ask: askerOf(given, answers) };
  await Promise.all(Array.from({ length: given.factories }, (_, n) => live(fleet, n)));
  return { told, answers };
}

interface Fleet extends FaultyFleet {
  readonly told: Told;
  readonly answers: Answers;
  readonly ask: Ask;
}

type Ask = (path: string, body: object, how?: How) => Promise<Answered>;

interface How {
  readonly key?: string;
  readonly method?: "POST" | "PATCH";
  /** What it has done so far. */
  readonly effects?: () => number;
}

/** Sends a request until it has a definite answer: 429 and 503 say when to send it again, and 429 that nothing was done. */
function askerOf({ app }: FaultyFleet, answers: Answers): Ask {
  return async (path, body, { key, method = "POST", effects = () => 0 } = {}) => {
    const before = effects();
    let maybeDone = false;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (++answers.requests % REQUESTS_PER_SECOND === 0) app.advance(1);
      if (answers.requests % REQUESTS_PER_REAP === 0) await app.runReaper();
      const headers = key === undefined ? {} : { "idempotency-key": key };
      const answer = await app.call(method, path, { product: PRODUCT, body, headers });
      maybeDone ||= answer.status === 503;
      if ([409, 429].includes(answer.status) && !maybeDone && effects() > before)
        throw new Error(`${method} ${path}: it was refused, and done all the same: ${answer.text}`);
      if (answer.status < 500 && answer.status !== 429) return answer;
      mustSayWhen(answer);
      answers[answer.status === 429 ? "throttled" : "unavailable"]++;
      // A client waits for as long as it is told; here the clock is what waits.
      app.advance(0.05);
      await turn();
    }
    throw new Error(`${method} ${path}: no definite answer in ${TRIES_MAX} tries`);
  };
}

function mustSayWhen(answer: Answered): void {
  const expected = answer.status === 429 ? "throttled" : "store_unavailable";
  if (answer.body.code !== expected || !/^[1-9]\d*$/.test(answer.headers.get("retry-after") ?? ""))
    throw new Error(`${answer.status} ${answer.text}`);
}

async function live(fleet: Fleet, n: number): Promise<void> {
  const { told, jobs, factories, app } = fleet;
  const factoryId = `f${n}`;
  const zombies: Held[] = [];
  const own = Math.ceil((jobs - n) / factories);
  const beat = {
    factoryId,
    capabilities: ["linux"],
    engines: ["claude"],
    seatLimit: 1000,
    load: 0,
    health: "ok",
  };
  for (let round = 0; new Set(told.shipped.map(({ jobId }) => jobId)).size < jobs; round++) {
    if (round > jobs * 20) throw new Error(`${factoryId} finds no end`);
    mustBe(await fleet.ask("/fleet/factories/heartbeat", beat), 200);
    if (round < own) await submit(fleet, factoryId, round);
    const held = await claim(fleet, factoryId, round);
    if (held === undefined) app.advance(1);
    else if (fleet.random() < 0.05) {
      zombies.push(held);
      fleet.answers.abandoned++;
    } else await work(fleet, held);
    // It wakes up, and knows nothing of what happened meanwhile.
    if (zombies.length > 0 && fleet.random() < 0.1) await ship(fleet, zombies.shift() as Held);
  }
}

async function submit({ ask, told, random, watch }: Fleet, factoryId: string, n: number): Promise<void> {
  const idempotencyKey = `${factoryId}-job-${n}`;
  const waits = n > 0 && random() < 0.1 ? { deps: [`key:${factoryId}-job-${n - 1}`] } : {};
  const capabilities = random() < 0.3 ? ["linux"] : [];
  const body = { idempotencyKey, bodyMd: "Build it.", capabilities, ...waits };
  const answer = await ask("/fleet/jobs", body, { effects: () => watch.countOf(idempotencyKey) });
  mustBe(answer, 201, 200);
  told.submitted.set(answer.body.job.id, idempotencyKey);
}

async function claim({ ask, told }: Fleet, factoryId: string, round: number): Promise<Held | undefined> {
  const answer = await ask("/fleet/claim", { factoryId, claimId: `${factoryId}-claim-${round}` });
  // The clock went on while it asked: its heartbeat may be old by now.
  if (answer.body.code === "factory_unavailable") return undefined;
  mustBe(answer, 200);
  if (answer.body.job === (null as unknown)) return undefined;
  const { id: jobId, leaseEpoch } = answer.body.job;
  const held = { jobId, leaseEpoch, factoryId };
  const other = told.claimed.find((known) => known.jobId === jobId && known.leaseEpoch === leaseEpoch);
  if (other !== undefined)
    throw new Error(`${jobId}/${leaseEpoch} was given to ${other.factoryId} and ${factoryId}`);
  told.claimed.push(held);
  return held;
}

async function work(fleet: Fleet, held: Held): Promise<void> {
  const { ask, random, told } = fleet;
  const { jobId, ...who } = held;
  const path = `/fleet/jobs/${jobId}`;
  const effects = () => fleet.watch.eventsBy(held);
  const building = { ...who, stage: "building", insights: { tokensIn: 5 } };
  const how = { key: `build-${held.leaseEpoch}`, method: "PATCH", effects } as const;
  if (!isTheirs(fleet, held, await ask(path, building, how))) return;
  if (random() < 0.3 && !isTheirs(fleet, held, await ask(`${path}/lease/renew`, who))) return;
  if (random() > 0.05) {
    await ship(fleet, held);
    return;
  }
  const released = await ask(`${path}/lease/release`, who, { key: `release-${held.leaseEpoch}`, effects });
  if (isTheirs(fleet, held, released)) told.released.push(held);
}

async function ship(fleet: Fleet, held: Held): Promise<void> {
  const { jobId, ...who } = held;
  const tokensIn = 10 + Math.floor(fleet.random() * 90);
  const shipped = { ...who, stage: "shipped", insights: { tokensIn } };
  const effects = () => fleet.watch.eventsBy(held);
  const how = { key: `ship-${held.leaseEpoch}`, method: "PATCH", effects } as const;
  const answer = await fleet.ask(`/fleet/jobs/${jobId}`, shipped, how);
  if (isTheirs(fleet, held, answer)) fleet.told.shipped.push(held);
}

/** Whether it was done; the only other answer there may be is that the job is not theirs. */
function isTheirs({ told }: Fleet, held: Held, answer: Answered): boolean {
  if (answer.status === 200) return true;
  mustBe(answer, 409);
  if (!["stale_lease", "not_holder", "lease_not_held"].includes(answer.body.code))
    throw new Error(`${held.factoryId} at ${held.jobId}/${held.leaseEpoch}: ${answer.text}`);
  told.refused.push(held);
  return false;
}

function mustBe(answer: Answered, ...statuses: number[]): void {
  if (!statuses.includes(answer.status)) throw new Error(`${answer.status} ${answer.text}`);
}
