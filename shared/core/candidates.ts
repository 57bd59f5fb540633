/**
 * Candidates: which queued job a claim tries next. Only a hint: the job's own document decides.
 *
 * Claims that run beside each other on one instance share what a query found, and none tries a job that
 * another of them has in hand: they never race. A claim that comes while a query runs waits for the next
 * one, so that what it is given was asked for after it came.
 *
 * Between instances there is a race, and who lost one learns from the job who won it. For a few seconds
 * after that, an instance first takes the jobs that are its own share: of all instances that it knows to
 * take part, the one with the highest hash for the job (rendezvous hashing). So losers don't meet again at
 * the next job, without any of them being told of the others.
 *
 * The order is exact without contention. With it, a claim takes none of a lower priority than another it
 * was shown and could try; among those of one priority it may take a younger one, from the same window.
 *
 * All of this is memory, and nothing is stored: an instance that dies with jobs in hand loses none.
 */
import { toInstant } from "../schema/primitives.js";
import type { Fleet } from "./fleet.js";
import type { Candidates, Window } from "./memory.js";
import type { Candidate } from "./repositories/jobs.js";
import { remember } from "./remember.js";
import { sideBySide } from "./side-by-side.js";

/** Candidates per claim that waits for them. 20 hints are one page of ids. */
const WINDOW = 20;
/** Candidates asked for at once, in each lane: 500 index entries. */
const WINDOW_MAX = 500;
/** How long an instance that won a race is counted in, in milliseconds: many claims long, and soon forgotten. */
const RIVAL_MS = 5000;
/** Instances counted in: beyond that a share is too small to find one's own in a window. */
const RIVALS_MAX = 16;
/** Products whose contention is remembered. */
const PRODUCTS_MAX = 1000;

/** One claim's way through the queue. `close` it, whatever happens. */
export class Search {
  readonly lanes: readonly string[];
  readonly #fleet: Fleet;
  readonly #productId: string;
  #window: Promise<Window> | undefined;
  #windows = 0;
  #hand: string | undefined;
  #losses = 0;
  #foundAny = false;

  constructor(fleet: Fleet, productId: string, lanes: readonly string[]) {
    this.#fleet = fleet;
    this.#productId = productId;
    this.lanes = lanes;
  }

  /** Whether the lanes had any candidate, in whosever hand it was. */
  get foundAny(): boolean {
    return this.#foundAny;
  }

  /** Asks for candidates before anybody knows whether they are needed. A failure shows when they are. */
  begin(): void {
    this.#windows++;
    this.#window = ask(this.#fleet, this.#productId, this.lanes);
    this.#window.catch(() => undefined);
  }

  /** The next job to try; undefined when there is none, or all are in other hands, or `windowsMax` windows were lost. */
  async next(windowsMax: number): Promise<string | undefined> {
    this.#letGo();
    const { spreading } = this.#fleet.candidates;
    // Racing, every loser goes back to the head.
    if (spreading === "race" && this.#losses > 0) this.#leave();
    if (this.#window === undefined) {
      if (this.#windows >= windowsMax) return undefined;
      this.begin();
    }
    for (;;) {
      const window = await this.#window;
      if (window === undefined) return undefined;
      this.#foundAny ||= window.found.length > 0;
      const picked = this.#pick(window);
      if (picked !== undefined) return this.#take(picked.id);
      // Others have in hand what is there: to ask again at once would find the same.
      const lostAll = window.found.length > 0 && this.#losses > 0;
      if (!lostAll || this.#windows >= windowsMax) return undefined;
      this.#leave();
      this.begin();
    }
  }

  /** The job in hand went to another; `winner` is the instance that gave it away, where the job says so. */
  lost(winner: string | undefined): void {
    this.#losses++;
    const { candidates, clock, instance } = this.#fleet;
    if (winner === undefined || winner === instance) return;
    const rivals = candidates.rivals.get(this.#productId) ?? new Map<string, number>();
    remember(rivals, winner, clock.now(), RIVALS_MAX);
    remember(candidates.rivals, this.#productId, rivals, PRODUCTS_MAX);
  }

  /** Gives back what it has in hand. Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#letGo();
    const window = this.#window;
    this.#leave();
    await window?.catch(() => undefined);
  }

  #pick(window: Window): Candidate | undefined {
    const { candidates, instance, random } = this.#fleet;
    const free = window.found.filter(({ id }) => !window.taken.has(id));
    const [head] = free;
    if (head === undefined || candidates.spreading === "race") return head;
    const rivals = rivalsOf(this.#fleet, this.#productId);
    if (rivals.length === 0 && this.#losses === 0) return head;
    const band = free.filter(({ priorityRank }) => priorityRank === head.priorityRank);
    const own = rivals.length === 0 ? undefined : band.find(({ id }) => isOwn(id, instance, rivals));
    return own ?? band[Math.floor(random.next() * band.length)];
  }

  #take(jobId: string): string {
    const { inHand, windows, spreading } = this.#fleet.candidates;
    if (spreading === "race") return jobId;
    this.#hand = jobId;
    inHand.add(jobId);
    for (const window of windows) window.taken.add(jobId);
    return jobId;
  }

  #letGo(): void {
    if (this.#hand !== undefined) this.#fleet.candidates.inHand.delete(this.#hand);
    this.#hand = undefined;
  }

  #leave(): void {
    const { windows } = this.#fleet.candidates;
    const gone = (window: Window): void => {
      window.users--;
      if (window.users === 0) windows.delete(window);
    };
    this.#window?.then(gone, () => undefined);
    this.#window = undefined;
  }
}

/** The answer of the next query over these lanes: one that begins after now, and answers all who wait for it. */
function ask(fleet: Fleet, productId: string, lanes: readonly string[]): Promise<Window> {
  const { waiting, spreading } = fleet.candidates;
  const key = JSON.stringify([productId, spreading === "race" ? fleet.ids.unique() : "", ...lanes]);
  return new Promise((resolve, reject) => {
    const look = (claims: number) => lookUp(fleet, productId, lanes, claims);
    const one = { look, resolve, reject };
    const others = waiting.get(key);
    if (others === undefined) {
      waiting.set(key, [one]);
      void answerAll(fleet.candidates, key);
    } else others.push(one);
  });
}

/** One query after another, until nobody waits. */
async function answerAll({ waiting, windows, inHand }: Candidates, key: string): Promise<void> {
  for (;;) {
    const served = waiting.get(key)?.splice(0) ?? [];
    const [first] = served;
    if (first === undefined) break;
    const window: Window = { found: [], taken: new Set(inHand), users: served.length };
    windows.add(window);
    try {
      window.found = await first.look(served.length);
      for (const { resolve } of served) resolve(window);
    } catch (error) {
      windows.delete(window);
      for (const { reject } of served) reject(error);
    }
  }
  waiting.delete(key);
}

/** The heads of the lanes, in the order of the queue: enough for `claims` of them, past what is in hand already. */
async function lookUp(
  fleet: Fleet,
  productId: string,
  lanes: readonly string[],
  claims: number,
): Promise<readonly Candidate[]> {
  const now = toInstant(fleet.clock.now());
  const instances = 1 + rivalsOf(fleet, productId).length;
  const limit = Math.min(WINDOW_MAX, (WINDOW + claims + fleet.candidates.inHand.size) * instances);
  const heads = await sideBySide(lanes.map((lane) => fleet.jobs.candidates(productId, lane, now, limit)));
  const [only = []] = heads;
  return heads.length < 2 ? only : heads.flat().sort(byQueueOrder).slice(0, limit);
}

function byQueueOrder(a: Candidate, b: Candidate): number {
  return a.priorityRank - b.priorityRank || a.order - b.order || (a.id < b.id ? -1 : 1);
}

/** Other instances that won a race for a job of this product a moment ago. */
function rivalsOf(fleet: Fleet, productId: string): string[] {
  const since = fleet.clock.now() - RIVAL_MS;
  const known = fleet.candidates.rivals.get(productId) ?? new Map<string, number>();
  return [...known].filter(([, seenMs]) => seenMs >= since).map(([instance]) => instance);
}

/** Whether of all these instances the job is `instance`'s to try first. */
function isOwn(jobId: string, instance: string, rivals: readonly string[]): boolean {
  const job = seedOf(jobId);
  const own = mixed(job ^ seedOf(instance));
  return rivals.every((rival) => mixed(job ^ seedOf(rival)) < own);
}

/** FNV-1a: names become numbers that differ. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place++)
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  return hash;
}

/** The finalizer of MurmurHash3: every bit of the seed changes half of the others. */
function mixed(seed: number): number {
  let hash = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
