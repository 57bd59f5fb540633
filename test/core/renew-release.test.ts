import { expect, it } from "vitest";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import { justBefore, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };

async function anOwnedJob(world: World) {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "f1"));
  return job;
}

onEachStore("renew", (open) => {
  it("extends the lease from now on, and counts the renewals", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    world.clock.advance(60);
    const first = await renew(world.fleet, PRODUCT, job.id, who);
    expect(first).toMatchObject({ kind: "renewed", lease: { renewals: 1, leaseSeconds: 90 } });
    world.clock.advance(60);
    expect(await renew(world.fleet, PRODUCT, job.id, who)).toMatchObject({ lease: { renewals: 2 } });
    world.clock.advance(91);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(false);
    world.clock.advance(2);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(true);
  });

  it("keeps the length that the claim or a renewal asked for", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await renew(world.fleet, PRODUCT, job.id, { ...who, leaseSeconds: 600 });
    expect(await renew(world.fleet, PRODUCT, job.id, who)).toMatchObject({ lease: { leaseSeconds: 600 } });
  });

  it("revives a lease that ran out but was not revoked: nobody else owns the job", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    world.clock.advance(1000);
    expect(await renew(world.fleet, PRODUCT, job.id, who)).toMatchObject({ kind: "renewed" });
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(false);
  });

  it("is refused when the job was lost after the lease was extended", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    // Between N2 and N3 the worker's own release, sent earlier, arrives.
    let renewed = false;
    const late = justBefore(
      store,
      (call) => call.method === "read" && call.container === "fleet_jobs",
      async () => {
        renewed = true;
        await release(world.fleet, PRODUCT, job.id, who);
      },
    );
    const two = aWorld(late, { name: "two", clock: world.clock });
    expect(await renew(two.fleet, PRODUCT, job.id, who)).toMatchObject({
      kind: "lease_not_held",
      stage: "queued",
    });
    expect(renewed).toBe(true);
  });

  it("counts once when the answer of its write was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    const unlucky = aWorld(loseAnswer(store, writes("fleet_leases")), { name: "two", clock: world.clock });
    expect(await renew(unlucky.fleet, PRODUCT, job.id, who)).toMatchObject({
      kind: "renewed",
      lease: { renewals: 1 },
    });
    expect((await world.fleet.leases.get(job.id, job.id))?.doc.renewals).toBe(1);
  });

  it("records the run's totals, and writes nothing when they bring no news", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await renew(world.fleet, PRODUCT, job.id, { ...who, insights: { tokensOut: 5 } });
    const before = await world.fleet.jobs.get(PRODUCT, job.id);
    await renew(world.fleet, PRODUCT, job.id, { ...who, insights: { tokensOut: 4 } });
    expect(await world.fleet.jobs.get(PRODUCT, job.id)).toEqual(before);
    expect(before?.doc.run?.insights).toEqual({ tokensOut: 5 });
  });
});

onEachStore("release", (open) => {
  it("puts the job back with its checkpoint, and takes the attempt back", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    const released = await release(world.fleet, PRODUCT, job.id, {
      ...who,
      checkpoint: { wipBranch: "w" },
      reason: "night",
    });
    expect(released).toMatchObject({
      kind: "released",
      job: { stage: "queued", attempt: 0, leaseEpoch: 1, checkpoint: { wipBranch: "w" } },
      lease: { status: "released" },
    });
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc.endedAt).toBeDefined();
    const next = await mustClaim(world, await aFactory(world, "f2"));
    expect(next.job).toMatchObject({ leaseEpoch: 2, attempt: 1, checkpoint: { wipBranch: "w" } });
  });

  it("answers the same when it is repeated under its key, even after the answer was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    const unlucky = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    expect(await release(unlucky.fleet, PRODUCT, job.id, who, "key-1")).toMatchObject({ kind: "released" });
    expect(await release(world.fleet, PRODUCT, job.id, who, "key-1")).toMatchObject({
      kind: "released",
      job: { stage: "queued", eventSeq: 3 },
    });
  });

  it("refuses its key with another body", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await release(world.fleet, PRODUCT, job.id, who, "key-1");
    // Fenced first: the job is nobody's any more, whatever the key says.
    expect(await release(world.fleet, PRODUCT, job.id, { ...who, reason: "other" }, "key-1")).toMatchObject({
      kind: "lease_not_held",
    });
  });
});
