import type { Fleet } from "./fleet.js";
import { reap } from "./reap.js";
import { randomPlace } from "./sweep-scan.js";

/** Between two looks on behalf of claims, per product and instance, in milliseconds: a few per reaper period. */
const CLAIM_REAP_EVERY_MS = 5000;
/** Owned jobs looked at each time: two reads each, beside one another. */
const CLAIM_REAP_JOBS_MAX = 10;
/** Products remembered; past that the oldest memory goes, and one look comes early. */
const PRODUCTS_MAX = 1000;

/**
 * Reaps a few overdue jobs of one product, at most every few seconds: a claim that found nothing need
 * not wait for a timer that may be late or lost. Starts at a random place, so that healthy jobs in
 * front don't hide dead ones. Returns how many jobs went back to the queue.
 */
export async function reapForClaim(fleet: Fleet, productId: string): Promise<number> {
  const nowMs = fleet.clock.now();
  const last = fleet.lastClaimReap.get(productId);
  if (last !== undefined && Math.abs(nowMs - last) < CLAIM_REAP_EVERY_MS) return 0;
  const [oldest] = fleet.lastClaimReap.keys();
  if (fleet.lastClaimReap.size >= PRODUCTS_MAX && oldest !== undefined) fleet.lastClaimReap.delete(oldest);
  fleet.lastClaimReap.set(productId, nowMs);

  const place = randomPlace(fleet);
  const behind = await fleet.jobs.ownedOf(productId, place, CLAIM_REAP_JOBS_MAX);
  const before =
    behind.length < CLAIM_REAP_JOBS_MAX
      ? await fleet.jobs.ownedOf(productId, "", CLAIM_REAP_JOBS_MAX - behind.length)
      : [];
  const ids = new Set([...behind, ...before].map((job) => job.id));
  const reaped = await Promise.allSettled([...ids].map((id) => reap(fleet, productId, id)));
  // Somebody else's trouble is no reason to fail a claim: the next pass of the reaper meets it, too.
  const failed = reaped.filter(({ status }) => status === "rejected").length;
  if (failed > 0) fleet.log.warn(`${failed} overdue jobs were left to the reaper`);
  return reaped.filter((one) => one.status === "fulfilled" && one.value).length;
}
