import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import { justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

/** Every call that a worker may make about its job; all of them are fenced alike. */
const FENCED_CALLS = {
  renew: (world: World, id: string, who: { factoryId: string; leaseEpoch: number }) =>
    renew(world.fleet, PRODUCT, id, { ...who, insights: { tokensIn: 7 } }),
  patch: (world: World, id: string, who: { factoryId: string; leaseEpoch: number }) =>
    patch(world.fleet, PRODUCT, id, { ...who, stage: "building", checkpoint: { wipBranch: "zombie" } }),
  ship: (world: World, id: string, who: { factoryId: string; leaseEpoch: number }) =>
    patch(world.fleet, PRODUCT, id, { ...who, stage: "shipped", result: "zombie" }),
  fail: (world: World, id: string, who: { factoryId: string; leaseEpoch: number }) =>
    patch(world.fleet, PRODUCT, id, { ...who, stage: "failed", failure: { kind: "error" } }),
  release: (world: World, id: string, who: { factoryId: string; leaseEpoch: number }) =>
    release(world.fleet, PRODUCT, id, { ...who, checkpoint: { wipBranch: "zombie" } }),
};
const calls = Object.entries(FENCED_CALLS);

const stop = { action: "stop", reason: "lease_lost" };

/** A job that f1 lost to f2: the zombie's epoch is 1, the reaper's 2, the owner's 3. */
async function aReassignedJob(world: World) {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "zombie"));
  world.clock.advance(1000);
  await reap(world.fleet, PRODUCT, job.id);
  await mustClaim(world, await aFactory(world, "owner"));
  return job;
}

onEachStore("fencing", (open) => {
  it.each(calls)("a zombie cannot %s a job that was re-assigned", async (_name, call) => {
    const world = aWorld(await open());
    const job = await aReassignedJob(world);
    const before = await stored(world, job);
    expect(await call(world, job.id, { factoryId: "zombie", leaseEpoch: 1 })).toEqual({
      kind: "stale_lease",
      currentEpoch: 3,
      stage: "assigned",
      directive: stop,
    });
    expect(await stored(world, job)).toEqual(before);
  });

  it.each(calls)("a zombie cannot %s by guessing the current epoch", async (_name, call) => {
    const world = aWorld(await open());
    const job = await aReassignedJob(world);
    const before = await stored(world, job);
    const refused = await call(world, job.id, { factoryId: "zombie", leaseEpoch: 3 });
    expect(refused).toMatchObject({
      kind: "not_holder",
      currentEpoch: 3,
      stage: "assigned",
      directive: stop,
    });
    expect(await stored(world, job)).toEqual(before);
  });

  it.each(calls)("an epoch that is still to come cannot %s either", async (_name, call) => {
    const world = aWorld(await open());
    const job = await aReassignedJob(world);
    expect(await call(world, job.id, { factoryId: "owner", leaseEpoch: 4 })).toMatchObject({
      kind: "stale_lease",
    });
  });

  it.each(calls)("nobody can %s a job that went back to the queue", async (_name, call) => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await release(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    const before = await stored(world, job);
    expect(await call(world, job.id, { factoryId: "f1", leaseEpoch: 1 })).toEqual({
      kind: "lease_not_held",
      currentEpoch: 1,
      stage: "queued",
      directive: stop,
    });
    expect(await stored(world, job)).toEqual(before);
  });

  it.each(calls)("the holder can %s", async (_name, call) => {
    const world = aWorld(await open());
    const job = await aReassignedJob(world);
    const accepted = await call(world, job.id, { factoryId: "owner", leaseEpoch: 3 });
    expect(["renewed", "patched", "released"]).toContain(accepted.kind);
  });

  it.each(calls)("cannot %s a job of another product, which looks like none at all", async (_name, call) => {
    const world = aWorld(await open());
    const theirs = await aJob(world, { idempotencyKey: "a" }, "umbrella");
    await aFactory(world, "f1", {}, "umbrella");
    await claim(world.fleet, "umbrella", { factoryId: "f1" });
    const who = { factoryId: "f1", leaseEpoch: 1 };
    expect(await call(world, theirs.id, who)).toEqual({ kind: "not_found" });
    expect(await call(world, "no-such-job", who)).toEqual({ kind: "not_found" });
  });

  it("is judged on the version that is written: a job lost between read and write stays lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "zombie"));
    await aFactory(world, "owner");
    // The zombie's patch has read the job as its own; before it writes, the job is reaped and claimed.
    const late = justBefore(store, writes("fleet_jobs"), async () => {
      world.clock.advance(1000);
      await reap(world.fleet, PRODUCT, job.id);
      await aFactory(world, "owner");
      await mustClaim(world, "owner");
    });
    const zombie = aWorld(late, { name: "two", clock: world.clock });
    const refused = await patch(zombie.fleet, PRODUCT, job.id, {
      factoryId: "zombie",
      leaseEpoch: 1,
      stage: "shipped",
    });
    expect(refused).toMatchObject({ kind: "stale_lease", currentEpoch: 3 });
    expect(await stored(world, job)).toMatchObject({ stage: "assigned", holderFactoryId: "owner" });
  });
});
