import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { tellSnapshots } from "../../shared/core/snapshot.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

/** The snapshots that one pass tells. */
async function lookAround(world: World, place = { afterProductId: "" }) {
  world.decisions.length = 0;
  await tellSnapshots(world.fleet, place);
  return world.decisions.flatMap((told) => (told.decision === "snapshot" ? [told] : []));
}

onEachStore("a snapshot", (open) => {
  it("tells of each product alone: its open jobs per stage, the oldest that waits, and what is owned", async () => {
    const world = aWorld(await open());
    const old = await aJob(world, { idempotencyKey: "old", priority: "low" });
    world.clock.advance(600);
    await aJob(world, { idempotencyKey: "waits", deps: [old.id] });
    for (const key of ["ships", "builds"]) await aJob(world, { idempotencyKey: key, priority: "high" });
    await aJob(world, { idempotencyKey: "elsewhere" }, "other");
    const f1 = await aFactory(world, "f1");
    const [first, second] = [await mustClaim(world, f1), await mustClaim(world, f1)];
    const mine = { factoryId: f1, leaseEpoch: 1 };
    await patch(world.fleet, PRODUCT, first.job.id, { ...mine, stage: "shipped" });
    await patch(world.fleet, PRODUCT, second.job.id, { ...mine, stage: "building" });

    const none = { queued: 0, blocked: 0, assigned: 0, building: 0, review: 0, testing: 0 };
    expect(await lookAround(world)).toEqual([
      {
        decision: "snapshot",
        productId: PRODUCT,
        ...none,
        queued: 1,
        blocked: 1,
        building: 1,
        oldestQueuedSeconds: 600,
        liveLeases: 1,
      },
      {
        decision: "snapshot",
        productId: "other",
        ...none,
        queued: 1,
        oldestQueuedSeconds: 0,
        liveLeases: 0,
      },
    ]);
  });

  it("finds a product with one job behind one with many, and tells of each once in a pass", async () => {
    const world = aWorld(await open());
    for (let n = 0; n < 30; n++) await aJob(world, { idempotencyKey: `n${n}` }, "busy");
    await aJob(world, { idempotencyKey: "a" }, "quiet");
    const products = (await lookAround(world)).map(({ productId, queued }) => [productId, queued]);
    expect(products).toEqual([
      ["busy", 30],
      ["quiet", 1],
    ]);
  });

  it("tells of 20 products at most, and of the others in the next pass", async () => {
    const world = aWorld(await open());
    const all = Array.from({ length: 23 }, (_, n) => `p${String(n).padStart(2, "0")}`);
    for (const productId of all) await aJob(world, { idempotencyKey: "a" }, productId);
    const place = { afterProductId: "" };
    const told = async () => (await lookAround(world, place)).map(({ productId }) => productId);
    expect(await told()).toEqual(all.slice(0, 20));
    expect(await told()).toEqual([...all.slice(20), ...all.slice(0, 17)]);
  });

  it("ends after its time, and goes on behind the last product that it told of", async () => {
    const world = aWorld(await open());
    for (const productId of ["p1", "p2", "p3"]) await aJob(world, { idempotencyKey: "a" }, productId);
    // Each product takes two seconds.
    world.fleet.log.decision = (told) => {
      world.decisions.push(told);
      world.clock.advance(2);
    };
    const place = { afterProductId: "" };
    const told = async () => (await lookAround(world, place)).map(({ productId }) => productId);
    expect(await told()).toEqual(["p1", "p2"]);
    expect(await told()).toEqual(["p3", "p1"]);
  });

  it("says nothing where there are no jobs", async () => {
    expect(await lookAround(aWorld(await open()))).toEqual([]);
  });
});
