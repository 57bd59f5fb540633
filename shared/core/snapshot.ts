/**
 * Snapshot: how much waits and how long, product by product, for whoever watches. It reads alone and
 * decides nothing. Final stages are left out: their counts only grow, and cost more with every job.
 *
 * Products are found one behind the other, each by one query for the next id, so that neither a product
 * with a hundred thousand jobs nor one without a factory hides another. With up to `PRODUCTS_MAX` products
 * each pass tells of all; with more, one instance tells of all in several passes, and a new one begins
 * at the first.
 */
import { PRIORITIES } from "../schema/job.js";
import { OWNED_STAGES } from "../schema/stages.js";
import type { OwnedStage } from "../schema/stages.js";
import type { Fleet } from "./fleet.js";

/** Products of one pass: about 11 queries each, 30 request units on Cosmos DB. */
const PRODUCTS_MAX = 20;
/** How long one pass may take, in milliseconds: with the seven kinds of the sweep it stays under 30 s. */
const SNAPSHOT_MS_MAX = 3000;

/** Where one instance's snapshots stand: behind this product. */
export interface Place {
  afterProductId: string;
}

/** Tells of the next products, each once. Throws what the store throws. */
export async function tellSnapshots(fleet: Fleet, place: Place): Promise<void> {
  const untilMs = fleet.clock.now() + SNAPSHOT_MS_MAX;
  const seen = new Set<string>();
  while (seen.size < PRODUCTS_MAX && fleet.clock.now() < untilMs) {
    const productId = await fleet.jobs.nextProduct(place.afterProductId);
    if (productId === undefined && place.afterProductId === "") return;
    if (productId !== undefined && seen.has(productId)) return;
    place.afterProductId = productId ?? "";
    if (productId === undefined) continue;
    seen.add(productId);
    await tellSnapshot(fleet, productId);
  }
}

async function tellSnapshot(fleet: Fleet, productId: string): Promise<void> {
  const count = (stage: "queued" | "blocked" | OwnedStage) => fleet.jobs.countByStage(productId, stage);
  const [queued, blocked, owned, oldestQueued] = await Promise.all([
    count("queued"),
    count("blocked"),
    Promise.all(OWNED_STAGES.map(count)),
    oldestQueuedSeconds(fleet, productId),
  ]);
  const [assigned = 0, building = 0, review = 0, testing = 0] = owned;
  fleet.log.decision({
    decision: "snapshot",
    productId,
    queued,
    blocked,
    assigned,
    building,
    review,
    testing,
    oldestQueuedSeconds: oldestQueued,
    liveLeases: owned.reduce((sum, jobs) => sum + jobs, 0),
  });
}

/** Seconds since the oldest queued job was submitted; 0 when none is queued. */
export async function oldestQueuedSeconds(fleet: Fleet, productId: string): Promise<number> {
  const oldest = await Promise.all(PRIORITIES.map((_, rank) => fleet.jobs.oldestQueued(productId, rank)));
  const nowMs = fleet.clock.now();
  const ages = oldest.flatMap((job) => (job === undefined ? [] : [nowMs - Date.parse(job.createdAt)]));
  return Math.floor(Math.max(0, ...ages) / 1000);
}
