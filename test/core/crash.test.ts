/**
 * The crash table of docs/protocol.md, row by row: the process dies right after a write, and two ticks
 * of another's reaper bring everything to rest. The simulation explores all orders; these tell the
 * stories.
 */
import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { readEvents } from "../../shared/core/read-events.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import type { Store } from "../../shared/core/ports/store.js";
import { crashAfter, crashBefore, justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const named = { factoryId: "f1", claimId: "c-1" };

/** Another instance on the same store and clock, which dies right after the write that `matches`. */
function doomed(store: Store, world: World, matches: ReturnType<typeof writes>): World {
  return aWorld(crashAfter(store, matches), { name: "doomed", clock: world.clock });
}

async function twoPasses(world: World): Promise<void> {
  const sweep = startSweep(world.fleet);
  await reapAndSweep(world.fleet, sweep);
  await reapAndSweep(world.fleet, sweep);
}

async function eventTypes(world: World, job: { id: string; productId: string }): Promise<string[]> {
  return (await readEvents(world.fleet, await stored(world, job), 0, 100)).value.map((event) => event.type);
}

onEachStore("a process that dies", (open) => {
  it("after C1, the claim's job write: a repeated claim goes on with the same epoch", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    await expect(claim(doomed(store, world, writes("fleet_jobs")).fleet, PRODUCT, named)).rejects.toThrow(
      "died",
    );
    expect(await world.fleet.leases.get(job.id, job.id)).toBeUndefined();
    expect(await claim(world.fleet, PRODUCT, named)).toMatchObject({
      kind: "claimed",
      job: { id: job.id, leaseEpoch: 1, attempt: 1 },
      lease: { status: "held", leaseEpoch: 1 },
    });
  });

  it("after C1, and nobody repeats: the reaper takes the job back once the grace is over", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    await expect(claim(doomed(store, world, writes("fleet_jobs")).fleet, PRODUCT, named)).rejects.toThrow(
      "died",
    );
    world.clock.advance(32);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(false);
    world.clock.advance(1);
    await twoPasses(world);
    expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 2 });
    expect(await claim(world.fleet, PRODUCT, named)).toEqual({ kind: "nothing", reason: "claim_ended" });
  });

  it("after C2, the lease: a repeated claim gets the same grant, with all of its time", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    await expect(claim(doomed(store, world, writes("fleet_leases")).fleet, PRODUCT, named)).rejects.toThrow(
      "died",
    );
    world.clock.advance(60);
    const again = await claim(world.fleet, PRODUCT, named);
    expect(again).toMatchObject({ kind: "claimed", job: { id: job.id }, lease: { leaseEpoch: 1 } });
    world.clock.advance(60);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(false);
  });

  it("between C1 and C2 for so long that it was reaped: it is told contended, not OK on a dead lease", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const slow = justBefore(store, writes("fleet_leases"), async () => {
      world.clock.advance(100);
      expect(await reap(world.fleet, PRODUCT, job.id)).toBe(true);
    });
    expect(await claim(aWorld(slow, { name: "two", clock: world.clock }).fleet, PRODUCT, named)).toEqual({
      kind: "nothing",
      reason: "contended",
    });
  });

  it("after C3 was lost: the run is known all the same, and stored when it ends", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    // Lease and run are written side by side, so it is the run's own write that must not happen.
    const dying = aWorld(crashBefore(store, writes("fleet_runs")), { name: "doomed", clock: world.clock });
    await claim(dying.fleet, PRODUCT, named).catch(() => undefined);
    expect((await world.fleet.runs.list(job.id, 10)).value).toEqual([]);
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "shipped", exit: 0 });
    expect((await world.fleet.runs.list(job.id, 10)).value).toMatchObject([
      { leaseEpoch: 1, factoryId: "f1", exit: 0 },
    ]);
  });

  it("after A2, the revocation: no renewal succeeds, and the next pass requeues the job", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(1000);
    await expect(reap(doomed(store, world, writes("fleet_leases")).fleet, PRODUCT, job.id)).rejects.toThrow(
      "died",
    );
    expect(await renew(world.fleet, PRODUCT, job.id, who)).toMatchObject({
      kind: "lease_not_held",
      currentEpoch: 1,
    });
    await twoPasses(world);
    expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 2 });
  });

  it("after A3, the requeue of a job with deps: the sweep unblocks it and closes its run", async () => {
    const store = await open();
    const world = aWorld(store);
    const dep = await aJob(world, { idempotencyKey: "dep" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, dep.id, { ...who, stage: "shipped" });
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id] });
    await mustClaim(world, "f1");
    world.clock.advance(1000);
    await reap(doomed(store, world, writes("fleet_jobs")).fleet, PRODUCT, job.id).catch(() => undefined);
    expect(await stored(world, job)).toMatchObject({ stage: "blocked", leaseEpoch: 2 });
    await twoPasses(world);
    expect(await stored(world, job)).toMatchObject({ stage: "queued" });
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc.endedAt).toBeDefined();
  });

  it("after the write that ships: the sweep ends lease and run, wakes dependants, and stores the events", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const dependant = await aJob(world, { idempotencyKey: "b", deps: [job.id] });
    await mustClaim(world, await aFactory(world, "f1"));
    const dying = doomed(store, world, writes("fleet_jobs"));
    await patch(dying.fleet, PRODUCT, job.id, { ...who, stage: "shipped" }).catch(() => undefined);
    expect(await stored(world, job)).toMatchObject({ stage: "shipped", dirty: true });
    expect(await stored(world, dependant)).toMatchObject({ stage: "blocked" });
    await twoPasses(world);
    expect((await stored(world, job)).dirty).toBeUndefined();
    expect((await stored(world, job)).outbox).toEqual([]);
    expect(await stored(world, dependant)).toMatchObject({ stage: "queued" });
    expect((await world.fleet.leases.get(job.id, job.id))?.doc.status).toBe("released");
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc.endedAt).toBeDefined();
    expect((await world.fleet.events.list(job.id, 10)).value.map(({ type }) => type)).toEqual([
      "submitted",
      "claimed",
      "shipped",
    ]);
  });

  it("after the write that releases: the checkpoint is kept, and the lease does not stay behind", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const dying = doomed(store, world, writes("fleet_jobs"));
    await release(dying.fleet, PRODUCT, job.id, { ...who, checkpoint: { wipCommit: "kept" } }).catch(
      () => undefined,
    );
    expect(await stored(world, job)).toMatchObject({
      stage: "queued",
      attempt: 0,
      checkpoint: { wipCommit: "kept" },
    });
    world.clock.advance(1000);
    await twoPasses(world);
    expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 1 });
    expect((await world.fleet.leases.get(job.id, job.id))?.doc.status).toBe("released");
    expect(await eventTypes(world, job)).toEqual(["submitted", "claimed", "released"]);
  });

  it("between create and judging the deps: a repeated submission, or the sweep, judges them", async () => {
    const store = await open();
    const world = aWorld(store);
    const dep = await aJob(world, { idempotencyKey: "dep" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, dep.id, { ...who, stage: "shipped" });
    const dying = doomed(store, world, writes("fleet_jobs"));
    await expect(aJob(dying, { idempotencyKey: "b", deps: [dep.id] })).rejects.toThrow("died");
    await twoPasses(world);
    expect((await world.fleet.jobs.getByKey(PRODUCT, "b"))?.doc).toMatchObject({ stage: "queued" });
  });

  it("between storing events and the write that leaves them out: none is lost, none comes twice", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const dying = doomed(store, world, writes("fleet_events", 2));
    await patch(dying.fleet, PRODUCT, job.id, { ...who, stage: "building" }).catch(() => undefined);
    expect(await stored(world, job)).toMatchObject({ stage: "assigned", eventSeq: 2 });
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building" });
    expect(await eventTypes(world, job)).toEqual(["submitted", "claimed", "stage_changed"]);
  });
});
