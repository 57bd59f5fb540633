import type { Factory } from "../schema/factory.js";
import { OPEN_LANE } from "../schema/lane.js";
import { PAGE_MAX } from "../schema/limits.js";
import { OWNED_STAGES, STAGES } from "../schema/stages.js";
import { toInstant } from "../schema/primitives.js";
import type { Stats } from "../schema/wire.js";
import { countLeftHere } from "./count-runs.js";
import type { Fleet } from "./fleet.js";
import { isStale, staleBefore } from "./heartbeat.js";
import { readLanes, satisfies } from "./lanes.js";
import { oldestQueuedSeconds } from "./snapshot.js";

/** Queued jobs, from the head, that are grouped by what they ask for. */
const WAITING_SAMPLE_MAX = 1000;
/** Groups named, the most asked for first. */
const WAITING_GROUPS_MAX = 20;

/** Pages of factories looked at to find who serves a lane: 2,000 factories. */
const FACTORY_PAGES_MAX = 10;
/** Engines whose totals are told: far more than a fleet has. */
const ENGINES_MAX = 200;

/** A product at a glance: counts and the head of the queue, each a query of its own, side by side. */
export async function readStats(fleet: Fleet, productId: string): Promise<Stats> {
  await countLeftHere(fleet, productId);
  const [counts, oldest, all, stale, waiting, unserved, totals] = await Promise.all([
    Promise.all(STAGES.map((stage) => fleet.jobs.countByStage(productId, stage))),
    oldestQueuedSeconds(fleet, productId),
    fleet.factories.count(productId),
    fleet.factories.countSilentSince(productId, staleBefore(fleet)),
    fleet.jobs.waiting(productId, toInstant(fleet.clock.now()), WAITING_SAMPLE_MAX),
    countUnserved(fleet, productId),
    fleet.totals.list(productId, ENGINES_MAX),
  ]);
  const jobs = Object.fromEntries(STAGES.map((stage, index) => [stage, counts[index] ?? 0]));
  return {
    jobs,
    oldestQueuedSeconds: oldest,
    owned: OWNED_STAGES.reduce((sum, stage) => sum + (jobs[stage] ?? 0), 0),
    factories: { fresh: Math.max(0, all - stale), stale },
    waiting: groupByCapabilities(waiting.map((job) => job.capabilities)),
    unserved,
    engines: totals.value.toSorted((a, b) => ((a.engine ?? "") < (b.engine ?? "") ? -1 : 1)),
  };
}

/** The lanes that no fresh factory satisfies, with how many jobs wait in each. */
async function countUnserved(fleet: Fleet, productId: string): Promise<Stats["unserved"]> {
  const [lanes, fresh] = await Promise.all([readLanes(fleet, productId), freshFactories(fleet, productId)]);
  const all = Object.entries({ [OPEN_LANE]: { capabilities: [] }, ...lanes?.doc.lanes });
  const unserved = all.filter(([, asked]) => !fresh.some((factory) => satisfies(factory, asked)));
  const counted = await Promise.all(
    unserved.map(async ([lane, asked]) => ({
      ...asked,
      count: await fleet.jobs.countInLane(productId, lane),
    })),
  );
  return counted
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, WAITING_GROUPS_MAX);
}

async function freshFactories(fleet: Fleet, productId: string): Promise<Factory[]> {
  const fresh: Factory[] = [];
  let after: string | undefined;
  for (let page = 0; page < FACTORY_PAGES_MAX; page++) {
    const found = await fleet.factories.list(productId, PAGE_MAX, after);
    fresh.push(...found.value.filter((factory) => !isStale(fleet, factory)));
    after = found.value.at(-1)?.id;
    if (!found.more) break;
  }
  return fresh;
}

function groupByCapabilities(asked: readonly (readonly string[])[]): Stats["waiting"] {
  const groups = new Map<string, { capabilities: string[]; count: number }>();
  for (const list of asked) {
    const capabilities = list.toSorted();
    const name = JSON.stringify(capabilities);
    const group = groups.get(name) ?? { capabilities, count: 0 };
    group.count++;
    groups.set(name, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count).slice(0, WAITING_GROUPS_MAX);
}
