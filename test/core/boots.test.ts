import { expect, it } from "vitest";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { patch } from "../../shared/core/patch.js";
import { renew } from "../../shared/core/renew.js";
import { crashAfter, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const beat = (world: World, bootId?: string) =>
  heartbeat(world.fleet, PRODUCT, {
    factoryId: "f1",
    capabilities: [],
    engines: [],
    seatLimit: 10,
    load: 0,
    health: "ok",
    ...(bootId === undefined ? {} : { bootId }),
  });
const who = { factoryId: "f1", leaseEpoch: 1 };

onEachStore("a factory that starts anew", (open) => {
  it("gives up at once what its former start held, which is fenced off", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await beat(world, "b1");
    await mustClaim(world, "f1");
    await patch(world.fleet, PRODUCT, job.id, { ...who, checkpoint: { wipCommit: "w1" } });
    expect(await beat(world, "b1")).toMatchObject({ kind: "recorded", leases: [{ jobId: job.id }] });

    expect(await beat(world, "b2")).toMatchObject({ kind: "recorded", leases: [] });
    expect(await stored(world, job)).toMatchObject({
      stage: "queued",
      leaseEpoch: 2,
      attempt: 1,
      checkpoint: { wipCommit: "w1" },
    });
    expect(await renew(world.fleet, PRODUCT, job.id, who)).toMatchObject({ kind: "stale_lease" });
    expect((await mustClaim(world, "f1")).job).toMatchObject({ id: job.id, leaseEpoch: 3 });
    expect(await beat(world, "b2")).toMatchObject({ leases: [{ jobId: job.id, leaseEpoch: 3 }] });
  });

  it("loses nothing to a heartbeat that its former start sent and that comes late", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await beat(world, "b1");
    await beat(world, "b2");
    await mustClaim(world, "f1");
    expect(await beat(world, "b1")).toMatchObject({ kind: "former", leases: [], factory: { bootId: "b2" } });
    expect(await stored(world, job)).toMatchObject({ stage: "assigned", leaseEpoch: 1 });
  });

  it("keeps what was claimed before it told of its starts, and when a heartbeat doesn't", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await beat(world, "b1");
    await beat(world);
    expect(await beat(world, "b1")).toMatchObject({ kind: "recorded", leases: [{ jobId: job.id }] });
  });

  it("gives up the rest with the next heartbeat when the coordinator dies midway", async () => {
    const store = await open();
    const world = aWorld(store);
    const jobs = [await aJob(world, { idempotencyKey: "a" }), await aJob(world, { idempotencyKey: "b" })];
    await beat(world, "b1");
    await mustClaim(world, "f1");
    await mustClaim(world, "f1");
    const dying = aWorld(crashAfter(store, writes("fleet_factories")), { name: "two", clock: world.clock });
    await expect(beat(dying, "b2")).rejects.toThrow("died");
    expect(await beat(world, "b2")).toMatchObject({ leases: [] });
    for (const job of jobs)
      expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 2 });
  });
});
