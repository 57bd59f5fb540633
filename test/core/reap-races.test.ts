/** What a reaper does when others are at the same job. */
import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { intercept, justBefore, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };

async function anOverdueJob(world: World) {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "f1"));
  world.clock.advance(1000);
  return job;
}

const leaseOf = async ({ fleet }: World, job: { id: string }) =>
  (await fleet.leases.get(job.id, job.id))?.doc;

onEachStore("a reaper that is slow", (open) => {
  it("does not take the job from whoever claimed it after another reaper was faster", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOverdueJob(world);
    // It has revoked the lease of epoch 1; before it writes the job, all of that is history.
    const racing = justBefore(store, writes("fleet_jobs"), async () => {
      await reap(world.fleet, PRODUCT, job.id);
      await mustClaim(world, await aFactory(world, "f2"));
    });
    const slow = aWorld(racing, { name: "two", clock: world.clock });
    expect(await reap(slow.fleet, PRODUCT, job.id)).toBe(false);
    expect(await stored(world, job)).toMatchObject({
      stage: "assigned",
      holderFactoryId: "f2",
      leaseEpoch: 3,
    });
    expect(await leaseOf(world, job)).toMatchObject({ status: "held", leaseEpoch: 3, holderFactoryId: "f2" });
  });

  it("does not revoke the lease of whoever claimed the job since it looked", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOverdueJob(world);
    const racing = justBefore(store, writes("fleet_leases"), async () => {
      await reap(world.fleet, PRODUCT, job.id);
      await mustClaim(world, await aFactory(world, "f2"));
    });
    const slow = aWorld(racing, { name: "two", clock: world.clock });
    expect(await reap(slow.fleet, PRODUCT, job.id)).toBe(false);
    expect(await stored(world, job)).toMatchObject({ holderFactoryId: "f2", leaseEpoch: 3 });
    expect(await leaseOf(world, job)).toMatchObject({ status: "held", leaseEpoch: 3 });
  });

  it("goes on with the requeue when another reaper revoked the lease first, and died", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOverdueJob(world);
    let revoked = false;
    const racing = justBefore(store, writes("fleet_leases"), async () => {
      const read = await world.fleet.leases.get(job.id, job.id);
      if (read !== undefined)
        revoked =
          (await world.fleet.leases.replaceIfMatch(read, { ...read.doc, status: "expired" })).kind ===
          "replaced";
    });
    const slow = aWorld(racing, { name: "two", clock: world.clock });
    expect(await reap(slow.fleet, PRODUCT, job.id)).toBe(true);
    expect(revoked).toBe(true);
    expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 2 });
  });
});

onEachStore("a reap", (open) => {
  it("counts as this reaper's when only the answer of its write was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOverdueJob(world);
    const unlucky = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    expect(await reap(unlucky.fleet, PRODUCT, job.id)).toBe(true);
    expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 2, eventSeq: 3 });
  });

  it("is done once when only the answer of its revocation was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOverdueJob(world);
    const unlucky = aWorld(loseAnswer(store, writes("fleet_leases")), { name: "two", clock: world.clock });
    expect(await reap(unlucky.fleet, PRODUCT, job.id)).toBe(true);
    expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 2 });
  });

  it("of a job that is not there, or of another product, does nothing", async () => {
    const world = aWorld(await open());
    const job = await anOverdueJob(world);
    expect(await reap(world.fleet, PRODUCT, "nobody")).toBe(false);
    expect(await reap(world.fleet, "umbrella", job.id)).toBe(false);
    expect(await leaseOf(world, job)).toMatchObject({ status: "held" });
  });

  it("of a job that went while it was looked at does nothing more", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOverdueJob(world);
    let gone = false;
    const going = intercept(store, (call, proceed) => {
      if (call.container === "fleet_jobs" && call.method === "replaceIfMatch") {
        gone = true;
        return Promise.resolve({ kind: "missing" });
      }
      if (gone && call.container === "fleet_jobs" && call.method === "read")
        return Promise.resolve(undefined);
      return proceed();
    });
    const late = aWorld(going, { name: "two", clock: world.clock });
    expect(await reap(late.fleet, PRODUCT, job.id)).toBe(false);
  });

  it("creates the lease that a half-done claim has not, so that it can't come later", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOverdueJob(world);
    const read = await world.fleet.leases.get(job.id, job.id);
    if (read !== undefined) await world.fleet.leases.deleteIfMatch(job.id, read);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(true);
    expect(await leaseOf(world, job)).toEqual({
      id: job.id,
      productId: PRODUCT,
      schemaVersion: 1,
      jobId: job.id,
      holderFactoryId: "f1",
      leaseEpoch: 1,
      renewals: 0,
      status: "expired",
    });
  });

  it("ends the lease that a release or a final write left behind, and nothing else", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    // It is released, but its lease was not.
    const troubled = intercept(store, (call, proceed) =>
      call.container === "fleet_leases" ? Promise.reject(new Error("trouble")) : proceed(),
    );
    const releasing = aWorld(troubled, { name: "two", clock: world.clock });
    await release(releasing.fleet, PRODUCT, job.id, who);
    const released = await stored(world, job);
    expect(await leaseOf(world, job)).toMatchObject({ status: "held", leaseEpoch: 1 });
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(false);
    expect(await leaseOf(world, job)).toMatchObject({ status: "released", leaseEpoch: 1 });
    expect(await stored(world, job)).toEqual(released);
  });

  it("tells in its event who lost the job, with what checkpoint and what run", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const checkpoint = { wipCommit: "c0ffee" };
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building", checkpoint });
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    const { outbox } = await stored(world, job);
    expect(outbox.at(-1)).toMatchObject({
      type: "expired",
      data: {
        from: "building",
        to: "queued",
        leaseEpoch: 2,
        checkpoint,
        formerHolderFactoryId: "f1",
        run: { leaseEpoch: 1, attempt: 1, factoryId: "f1", insights: {} },
      },
    });
    expect(outbox.at(-1)?.data["holderFactoryId"]).toBeUndefined();
  });
});
