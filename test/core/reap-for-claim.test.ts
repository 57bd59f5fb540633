/** A claim that finds nothing looks for overdue jobs itself: a few, now and then, and at nobody's cost. */
import { expect, it } from "vitest";
import { reapForClaim } from "../../shared/core/reap-for-claim.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

async function ownedJobs(world: World, count: number) {
  await aFactory(world, "f1", { seatLimit: 100 });
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    await aJob(world, { idempotencyKey: `j${ids.length}-${world.clock.ms}` });
    ids.push((await mustClaim(world, "f1")).job.id);
  }
  return ids;
}

const owned = (world: World): Promise<number> => world.fleet.jobs.countByStage(PRODUCT, "assigned");

onEachStore("reaping for a claim", (open) => {
  it("counts what went back, and leaves the living alone", async () => {
    const world = aWorld(await open());
    await ownedJobs(world, 3);
    world.clock.advance(1000);
    await ownedJobs(world, 2);
    expect(await reapForClaim(world.fleet, PRODUCT)).toBe(3);
    expect(await owned(world)).toBe(2);
  });

  it.each([
    ["beginning anywhere", 0],
    ["beginning elsewhere", 0.9],
    ["beginning at a third place", 0.5],
  ])("looks at ten jobs at most, %s, and at as many as there are", async (_where, chance) => {
    const world = aWorld(await open(), { chance });
    await ownedJobs(world, 13);
    world.clock.advance(1000);
    expect(await reapForClaim(world.fleet, PRODUCT)).toBe(10);
    expect(await owned(world)).toBe(3);
    world.clock.advance(5);
    expect(await reapForClaim(world.fleet, PRODUCT)).toBe(3);
    expect(world.log.filter((line) => line.includes("left to the reaper"))).toEqual([]);
  });

  it("leaves to the reaper what makes trouble, says so, and does the rest", async () => {
    const store = await open();
    const world = aWorld(store);
    const [bad] = await ownedJobs(world, 3);
    world.clock.advance(1000);
    const troubled = aWorld(
      intercept(store, (call, proceed) =>
        call.method === "replaceIfMatch" && call.doc["id"] === bad
          ? Promise.reject(new Error("trouble"))
          : proceed(),
      ),
      { name: "two", clock: world.clock },
    );
    expect(await reapForClaim(troubled.fleet, PRODUCT)).toBe(2);
    expect(troubled.log).toContain("1 overdue jobs were left to the reaper");
  });

  it("waits five seconds for the next time, per product, also when the clock was set back", async () => {
    const world = aWorld(await open());
    const ask = async (): Promise<boolean> => {
      await ownedJobs(world, 1);
      world.clock.advance(1000);
      const before = await owned(world);
      await reapForClaim(world.fleet, PRODUCT);
      return (await owned(world)) < before;
    };
    expect(await ask()).toBe(true);
    await ownedJobs(world, 1);
    world.clock.ms = (world.fleet.lastClaimReap.get(PRODUCT) ?? 0) + 4999;
    expect(await reapForClaim(world.fleet, PRODUCT)).toBe(0);
    expect(world.fleet.lastClaimReap.get(PRODUCT)).not.toBe(world.clock.ms);
    world.clock.ms = (world.fleet.lastClaimReap.get(PRODUCT) ?? 0) + 5000;
    await reapForClaim(world.fleet, PRODUCT);
    expect(world.fleet.lastClaimReap.get(PRODUCT)).toBe(world.clock.ms);
    // An hour back: it must not stand still for an hour.
    world.clock.advance(-3600);
    await reapForClaim(world.fleet, PRODUCT);
    expect(world.fleet.lastClaimReap.get(PRODUCT)).toBe(world.clock.ms);
    await reapForClaim(world.fleet, "umbrella");
    expect(world.fleet.lastClaimReap.size).toBe(2);
  });

  it("remembers a thousand products, and forgets the one it has known the longest", async () => {
    const world = aWorld(await open());
    const { lastClaimReap } = world.fleet;
    for (let n = 0; n < 999; n++) lastClaimReap.set(`p${n}`, 0);
    await reapForClaim(world.fleet, PRODUCT);
    expect([lastClaimReap.size, lastClaimReap.has("p0")]).toEqual([1000, true]);
    await reapForClaim(world.fleet, "umbrella");
    expect([lastClaimReap.size, lastClaimReap.has("p0"), lastClaimReap.has("p1")]).toEqual([
      1000,
      false,
      true,
    ]);
  });
});
