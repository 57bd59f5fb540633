import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { heartbeat, isStale } from "../../shared/core/heartbeat.js";
import { patch } from "../../shared/core/patch.js";
import { release } from "../../shared/core/release.js";
import { readStats } from "../../shared/core/stats.js";
import type { HeartbeatRequest } from "../../shared/schema/requests.js";
import { crashAfter, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";

const beat: HeartbeatRequest = {
  factoryId: "f1",
  capabilities: ["linux"],
  engines: ["claude"],
  seatLimit: 2,
  load: 1,
  health: "ok",
};

onEachStore("heartbeat", (open) => {
  it("registers the factory, and then keeps it up to date", async () => {
    const world = aWorld(await open());
    await heartbeat(world.fleet, PRODUCT, { ...beat, descriptor: { os: "debian" } });
    world.clock.advance(30);
    const { factory } = await heartbeat(world.fleet, PRODUCT, { ...beat, load: 2, health: "degraded" });
    expect(factory).toMatchObject({
      factoryId: "f1",
      load: 2,
      health: "degraded",
      lastHeartbeatAt: "2026-01-15T12:00:30.000Z",
    });
    expect((await world.fleet.factories.get(PRODUCT, "f1"))?.doc).toEqual(factory);
    expect(factory.descriptor).toBeUndefined();
  });

  it("is taken twenty times at once", async () => {
    const world = aWorld(await open());
    await Promise.all(
      Array.from({ length: 20 }, (_, load) => heartbeat(world.fleet, PRODUCT, { ...beat, load: load / 10 })),
    );
    expect((await world.fleet.factories.list(PRODUCT, 10)).value).toHaveLength(1);
  });

  it("lists the leases that the coordinator believes the factory holds", async () => {
    const world = aWorld(await open());
    for (const idempotencyKey of ["a", "b", "c"]) await aJob(world, { idempotencyKey });
    await aFactory(world, "f1");
    const held = await mustClaim(world, "f1");
    const shipped = await mustClaim(world, "f1");
    await mustClaim(world, await aFactory(world, "f2"));
    await patch(world.fleet, PRODUCT, shipped.job.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" });
    const { leases } = await heartbeat(world.fleet, PRODUCT, beat);
    expect(leases).toMatchObject([{ jobId: held.job.id, leaseEpoch: 1, status: "held" }]);
  });

  it("does not list a lease that a former epoch of the job left behind", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const dying = () =>
      aWorld(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock }).fleet;
    await release(dying(), PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 }).catch(() => undefined);
    await claim(dying(), PRODUCT, { factoryId: "f1" }).catch(() => undefined);
    expect((await world.fleet.leases.get(job.id, job.id))?.doc).toMatchObject({
      status: "held",
      leaseEpoch: 1,
    });
    expect((await heartbeat(world.fleet, PRODUCT, beat)).leases).toEqual([]);
  });

  it("that is missing for too long makes the factory stale", async () => {
    const world = aWorld(await open());
    const { factory } = await heartbeat(world.fleet, PRODUCT, beat);
    world.clock.advance(120);
    expect(isStale(world.fleet, factory)).toBe(false);
    world.clock.advance(0.001);
    expect(isStale(world.fleet, factory)).toBe(true);
  });
});

onEachStore("stats", (open) => {
  it("show a product at a glance, and nothing of another", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "old", priority: "low", capabilities: ["gpu"] });
    world.clock.advance(60);
    await aJob(world, { idempotencyKey: "a", priority: "high" });
    await aJob(world, { idempotencyKey: "b", priority: "low", capabilities: ["gpu"] });
    await aJob(world, { idempotencyKey: "c", priority: "low", deps: ["key:b"] });
    await aJob(world, { idempotencyKey: "theirs" }, "umbrella");
    await aFactory(world, "silent");
    world.clock.advance(121);
    await mustClaim(world, await aFactory(world, "f1"));
    expect(await readStats(world.fleet, PRODUCT)).toEqual({
      jobs: {
        queued: 2,
        blocked: 1,
        assigned: 1,
        building: 0,
        review: 0,
        testing: 0,
        shipped: 0,
        failed: 0,
        dead_letter: 0,
      },
      oldestQueuedSeconds: 181,
      owned: 1,
      factories: { fresh: 1, stale: 1 },
      waiting: [{ capabilities: ["gpu"], count: 2 }],
      unserved: [{ capabilities: ["gpu"], count: 2 }],
      engines: [],
    });
  });
});
