import { OWNED_STAGES, STAGES } from "../schema/stages.js";
import { toInstant } from "../schema/primitives.js";
import type { Stats } from "../schema/wire.js";
import type { Fleet } from "./fleet.js";
import { staleBefore } from "./heartbeat.js";
import { oldestQueuedSeconds } from "./snapshot.js";

/** Queued jobs, from the head, that are grouped by what they ask for. */
const WAITING_SAMPLE_MAX = 1000;
/** Groups named, the most asked for first. */
const WAITING_GROUPS_MAX = 20;

/** Engines whose totals are told: far more than a fleet has. */
const ENGINES_MAX = 200;

/** A product at a glance: counts and the head of the queue, each a query of its own, side by side. */
export async function readStats(fleet: Fleet, productId: string): Promise<Stats> {
  const [counts, oldest, all, stale, waiting, totals] = await Promise.all([
    Promise.all(STAGES.map((stage) => fleet.jobs.countByStage(productId, stage))),
    oldestQueuedSeconds(fleet, productId),
    fleet.factories.count(productId),
    fleet.factories.countSilentSince(productId, staleBefore(fleet)),
    fleet.jobs.waiting(productId, toInstant(fleet.clock.now()), WAITING_SAMPLE_MAX),
    fleet.totals.list(productId, ENGINES_MAX),
  ]);
  const jobs = Object.fromEntries(STAGES.map((stage, index) => [stage, counts[index] ?? 0]));
  return {
    jobs,
    oldestQueuedSeconds: oldest,
    owned: OWNED_STAGES.reduce((sum, stage) => sum + (jobs[stage] ?? 0), 0),
    factories: { fresh: Math.max(0, all - stale), stale },
    waiting: groupByCapabilities(waiting.map((job) => job.capabilities)),
    engines: totals.value.toSorted((a, b) => ((a.engine ?? "") < (b.engine ?? "") ? -1 : 1)),
  };
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
