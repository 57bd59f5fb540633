/** Many claimers on one store, each of whose operations takes a while: how many tries a claim needs, and how many claims a second there are. */
import { claim } from "../../shared/core/claim.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { Spreading } from "../../shared/core/memory.js";
import type { Clock } from "../../shared/core/ports/runtime.js";
import type { Store } from "../../shared/core/ports/store.js";
import type { Decision } from "../../shared/schema/decision.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { fleetOn, PRODUCT, register, submitOne } from "./fleet-on.js";
import type { Time } from "./time.js";

export interface Contest {
  readonly instances: number;
  readonly claimers: number;
  /** How claims avoid one another; `race`: not at all, everybody takes the head of the queue. */
  readonly spreading: Spreading;
  /** What each operation of the store takes, in milliseconds. */
  readonly delayMs: number;
  /** Claims that must succeed before it ends. */
  readonly claims: number;
}

export interface ContestFigures extends Contest {
  /** Jobs tried, lost ones included, for each that was claimed. */
  readonly triesPerClaim: number;
  /** Claims that were told to come back later: `contended`, though jobs waited. */
  readonly contended: number;
  readonly claimsPerSecond: number;
}

/** How far one operation's time may be from the usual, either way: nothing on a network keeps step. */
const JITTER = 0.2;

export async function holdContest(contest: Contest, time: Time): Promise<ContestFigures> {
  const store = openSqliteStore({ path: ":memory:" });
  const startedMs = Date.now();
  const clock: Clock = { now: () => startedMs + time.now() };
  // Every claimer may have one in hand when the last one is counted.
  await fillMemory(store, contest.claims + contest.claimers);
  for (let n = 0; n < contest.claimers; n++) await register(fleetOn(store, { clock }), `factory-${n}`);

  const score = { claims: 0, races: 0, contended: 0 };
  const chance = seeded(contest.instances * 1000 + contest.claimers);
  const log = listening((told) => {
    if (told.decision === "race_lost") score.races += told.races;
  });
  const slow = delayed(store, () => contest.delayMs * (1 - JITTER + 2 * JITTER * chance()), time);
  let ids = 0;
  const unique = (): string => `id-${++ids}`;
  const ports = {
    clock,
    log,
    ids: { unique },
    random: { next: chance },
    pause: (ms: number) => time.wait(ms),
  };
  const fleets = Array.from({ length: contest.instances }, () => fleetOn(slow, ports, contest.spreading));
  const begunMs = time.now();
  await time.during(() =>
    Promise.all(
      Array.from({ length: contest.claimers }, async (_, n) => {
        const fleet = fleets[n % fleets.length];
        if (fleet !== undefined) await claimOn(fleet, `factory-${n}`, score, contest.claims);
      }),
    ),
  );
  const tookMs = time.now() - begunMs;
  store.close();
  return {
    ...contest,
    triesPerClaim: (score.claims + score.races) / score.claims,
    contended: score.contended,
    claimsPerSecond: (score.claims / tookMs) * 1000,
  };
}

/** Claims one after the other until all claimers together have enough. */
async function claimOn(
  fleet: Fleet,
  factoryId: string,
  score: { claims: number; contended: number },
  enough: number,
): Promise<void> {
  while (score.claims < enough) {
    const claimed = await claim(fleet, PRODUCT, { factoryId });
    if (claimed.kind === "claimed") score.claims++;
    else if (claimed.kind === "nothing" && claimed.reason === "contended") score.contended++;
    else throw new Error(`no job: ${JSON.stringify(claimed)}`);
  }
}

async function fillMemory(store: Store, jobs: number): Promise<void> {
  const job = await submitOne(fleetOn(store), "queued", { bodyMd: "Build it." });
  for (let n = 1; n < jobs; n++) {
    const copy = { ...job, id: `${job.id}-${n}`, idempotencyKey: `queued-${n}`, order: job.order + n };
    await store.create("fleet_jobs", copy);
  }
}

/** The same store, half of whose time is the way there, and half the way back. */
function delayed(store: Store, delayMs: () => number, time: Time): Store {
  const slowly = async <T>(ask: () => Promise<T>): Promise<T> => {
    const ms = delayMs();
    await time.wait(ms / 2);
    const answer = await ask();
    await time.wait(ms / 2);
    return answer;
  };
  return {
    create: (container, doc) => slowly(() => store.create(container, doc)),
    read: (container, partition, id) => slowly(() => store.read(container, partition, id)),
    replaceIfMatch: (container, doc, etag) => slowly(() => store.replaceIfMatch(container, doc, etag)),
    deleteIfMatch: (container, partition, id, etag) =>
      slowly(() => store.deleteIfMatch(container, partition, id, etag)),
    query: (container, partition, query, fields) =>
      slowly(() => store.query(container, partition, query, fields)),
    queryEveryPartition: (container, query, fields) =>
      slowly(() => store.queryEveryPartition(container, query, fields)),
    count: (container, partition, where) => slowly(() => store.count(container, partition, where)),
    ping: () => slowly(() => store.ping()),
  };
}

function listening(decision: (told: Decision) => void) {
  const nothing = (): undefined => undefined;
  return { decision, info: nothing, warn: nothing, error: nothing };
}

/** The same numbers in [0, 1) for the same seed: a linear congruential generator, whose high bits are good enough here. */
function seeded(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}
