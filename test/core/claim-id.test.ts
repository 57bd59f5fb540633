import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { patch } from "../../shared/core/patch.js";
import { renew } from "../../shared/core/renew.js";
import { Crash, crashAfter, delayEffect, justBefore, reads, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld } from "../support/world.js";

onEachStore("a claim with a claimId", (open) => {
  const named = { factoryId: "f1", claimId: "c-1" };

  it("gives the same lease again when its answer was lost", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    const first = await claim(world.fleet, PRODUCT, named);
    world.clock.advance(10);
    const again = await claim(world.fleet, PRODUCT, named);
    expect(again).toMatchObject({ kind: "claimed", job: { idempotencyKey: "a", leaseEpoch: 1, attempt: 1 } });
    expect(first).toMatchObject({ kind: "claimed", job: { idempotencyKey: "a", leaseEpoch: 1 } });
  });

  it("keeps the renewals of the lease that it is given again", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    await claim(world.fleet, PRODUCT, named);
    await renew(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    expect(await claim(world.fleet, PRODUCT, named)).toMatchObject({
      kind: "claimed",
      lease: { renewals: 1 },
    });
  });

  it("is told claim_ended once its job is over, while no other factory has it", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    await claim(world.fleet, PRODUCT, named);
    await patch(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" });
    expect(await claim(world.fleet, PRODUCT, named)).toEqual({ kind: "nothing", reason: "claim_ended" });
  });

  it("belongs to its factory: the same id of another factory is another claim", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    await aFactory(world, "f2");
    await claim(world.fleet, PRODUCT, named);
    expect(await claim(world.fleet, PRODUCT, { ...named, factoryId: "f2" })).toMatchObject({
      kind: "claimed",
      job: { idempotencyKey: "b" },
    });
  });

  it("keeps one job when a duplicate of it ran beside it", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    const racing = justBefore(store, writes("fleet_jobs"), () => claim(world.fleet, PRODUCT, named));
    const duplicate = aWorld(racing, { name: "two", clock: world.clock });
    expect(await claim(duplicate.fleet, PRODUCT, named)).toEqual({ kind: "nothing", reason: "contended" });

    const { leases } = await heartbeat(world.fleet, PRODUCT, {
      factoryId: "f1",
      capabilities: [],
      engines: [],
      seatLimit: 10,
      load: 0,
      health: "ok",
    });
    expect(leases).toHaveLength(1);
    const back = await world.fleet.jobs.getByKey(PRODUCT, "b");
    expect(back?.doc).toMatchObject({ stage: "queued", attempt: 0 });
  });

  it("never costs its factory the job that it was told it holds, however late a duplicate dies or comes", async () => {
    const store = await open();
    const world = aWorld(store);
    // By id, since that is the order in which a repetition finds them.
    const [key = "", other = ""] = ["a", "b"].toSorted((x, y) =>
      jobIdOf(PRODUCT, x) < jobIdOf(PRODUCT, y) ? -1 : 1,
    );
    const first = await aJob(world, { idempotencyKey: key, priority: "critical" });
    await aJob(world, { idempotencyKey: other });
    await aFactory(world, "f1");
    // The duplicate has looked for the first's job before there was one, and dies with the second.
    const late = justBefore(store, reads("fleet_jobs"), () => claim(world.fleet, PRODUCT, named));
    const dying = aWorld(crashAfter(late, writes("fleet_leases")), { name: "two", clock: world.clock });
    await expect(claim(dying.fleet, PRODUCT, named)).rejects.toThrow(Crash);

    await claim(world.fleet, PRODUCT, named);
    const who = { factoryId: "f1", leaseEpoch: 1 };
    expect(await renew(world.fleet, PRODUCT, first.id, who)).toMatchObject({ kind: "renewed" });
  });

  it("gives back what a duplicate won also when the first try to withdraw its lease has no answer", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    const racing = justBefore(store, writes("fleet_jobs"), () => claim(world.fleet, PRODUCT, named));
    const lost = delayEffect(racing, writes("fleet_leases", 2));
    const duplicate = aWorld(lost.store, { name: "two", clock: world.clock });
    expect(await claim(duplicate.fleet, PRODUCT, named)).toEqual({ kind: "nothing", reason: "contended" });
    expect((await world.fleet.jobs.getByKey(PRODUCT, "b"))?.doc).toMatchObject({ stage: "queued" });
  });

  it("keeps what a repetition was told it holds, though the call that won it goes on only afterwards", async () => {
    const store = await open();
    const world = aWorld(store);
    const first = await aJob(world, { idempotencyKey: "a", priority: "critical" });
    await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    const [lookedForIt, wonIt] = [aGate(), aGate()];
    const looked = justBefore(store, writes("fleet_jobs"), lookedForIt.pass);
    const duplicate = aWorld(crashAfter(looked, writes("fleet_jobs", 2)), {
      name: "two",
      clock: world.clock,
    });
    const dying = claim(duplicate.fleet, PRODUCT, named);
    await lookedForIt.reached;
    const winner = aWorld(justBefore(store, writes("fleet_leases"), wonIt.pass), {
      name: "three",
      clock: world.clock,
    });
    const winning = claim(winner.fleet, PRODUCT, named);
    await wonIt.reached;

    const told = await claim(world.fleet, PRODUCT, named);
    expect(told).toMatchObject({ kind: "claimed", job: { idempotencyKey: "a" } });
    lookedForIt.open();
    await expect(dying).rejects.toThrow(Crash);
    wonIt.open();
    expect(await winning).toEqual({ kind: "nothing", reason: "contended" });
    const who = { factoryId: "f1", leaseEpoch: 1 };
    expect(await renew(world.fleet, PRODUCT, first.id, who)).toMatchObject({ kind: "renewed" });
  });
});

/** A place where a call waits until it is told to go on. */
function aGate() {
  const [reached, opened] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const pass = (): Promise<undefined> => {
    reached.resolve(undefined);
    return opened.promise;
  };
  return {
    reached: reached.promise,
    open: () => {
      opened.resolve(undefined);
    },
    pass,
  };
}
