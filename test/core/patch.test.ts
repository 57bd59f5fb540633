import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { reap } from "../../shared/core/reap.js";
import { renew } from "../../shared/core/renew.js";
import { RECENT_OPS_MAX } from "../../shared/schema/limits.js";
import type { Stage } from "../../shared/schema/stages.js";
import { STAGES } from "../../shared/schema/stages.js";
import { delayEffect, intercept, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };

async function anOwnedJob(world: World) {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "f1"));
  return job;
}

onEachStore("patch", (open) => {
  it("moves a job from claim to shipped, and keeps what each step reported", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    for (const step of [
      { stage: "building" as const, checkpoint: { wipBranch: "wip/a", wipCommit: "1" } },
      { stage: "review" as const, checkpoint: { wipBranch: "wip/a", wipCommit: "2" } },
      { stage: "testing" as const, verifyResult: { passed: 12 } },
    ]) {
      expect(await patch(world.fleet, PRODUCT, job.id, { ...who, ...step })).toMatchObject({
        kind: "patched",
        job: step,
        directive: { action: "continue" },
      });
    }
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "shipped", result: { pr: 7 }, exit: 0 });
    expect(await stored(world, job)).toMatchObject({
      stage: "shipped",
      holderFactoryId: "f1",
      checkpoint: { wipBranch: "wip/a", wipCommit: "2" },
      verifyResult: { passed: 12 },
      result: { pr: 7 },
      exit: 0,
      outbox: [],
    });
    expect((await world.fleet.leases.get(job.id, job.id))?.doc.status).toBe("released");
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc).toMatchObject({
      result: { pr: 7 },
      exit: 0,
    });
  });

  it("replaces a checkpoint whole, so that its parts always belong together", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, { ...who, checkpoint: { wipBranch: "one", wipCommit: "1" } });
    await patch(world.fleet, PRODUCT, job.id, { ...who, checkpoint: { wipBranch: "two" } });
    expect((await stored(world, job)).checkpoint).toEqual({ wipBranch: "two" });
  });

  it("records a failure with its kind, error where the worker names none", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "failed" });
    expect(await stored(world, job)).toMatchObject({ stage: "failed", failure: { kind: "error" } });
    const other = await aJob(world, { idempotencyKey: "b" });
    await mustClaim(world, "f1");
    const failure = { kind: "verify", message: "3 tests failed" };
    await patch(world.fleet, PRODUCT, other.id, { ...who, stage: "failed", failure });
    expect(await stored(world, other)).toMatchObject({ stage: "failed", failure });
  });

  const allowed: Record<"assigned" | "building" | "review" | "testing", Stage[]> = {
    assigned: ["building", "review", "testing", "shipped", "failed"],
    building: ["building", "review", "testing", "shipped", "failed"],
    review: ["building", "review", "testing", "shipped", "failed"],
    testing: ["building", "review", "testing", "shipped", "failed"],
  };
  it.each(Object.entries(allowed))(
    "from %s goes where the table says, and nowhere else",
    async (from, targets) => {
      const world = aWorld(await open());
      for (const to of STAGES) {
        const job = await aJob(world, { idempotencyKey: `to-${to}` });
        await aFactory(world, "f1", { seatLimit: 100 });
        await mustClaim(world, "f1");
        if (from !== "assigned") await patch(world.fleet, PRODUCT, job.id, { ...who, stage: from as Stage });
        const patched = await patch(world.fleet, PRODUCT, job.id, { ...who, stage: to });
        if (targets.includes(to)) {
          expect(patched).toMatchObject({ kind: "patched", job: { stage: to } });
        } else {
          expect(patched).toMatchObject({ kind: "illegal_transition", from, to });
          expect(await stored(world, job)).toMatchObject({ stage: from });
        }
      }
    },
  );

  it("answers a repeated final patch of the same owner with 200, and a different end with a fence", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    const ship = { ...who, stage: "shipped" as const, result: { pr: 7 } };
    await patch(world.fleet, PRODUCT, job.id, ship);
    const before = await stored(world, job);
    expect(await patch(world.fleet, PRODUCT, job.id, ship)).toMatchObject({
      kind: "patched",
      job: { stage: "shipped" },
    });
    expect(await patch(world.fleet, PRODUCT, job.id, { ...ship, result: { pr: 8 } })).toMatchObject({
      kind: "lease_not_held",
      stage: "shipped",
    });
    expect(await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "failed" })).toMatchObject({
      kind: "lease_not_held",
    });
    expect(await stored(world, job)).toEqual(before);
  });

  it("has one effect under one key, and refuses the key with another body", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    const forward = { ...who, stage: "testing" as const };
    await patch(world.fleet, PRODUCT, job.id, forward, "key-1");
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building" });
    // The duplicate comes late: it must not move the job forward again.
    expect(await patch(world.fleet, PRODUCT, job.id, forward, "key-1")).toMatchObject({ kind: "patched" });
    expect(await stored(world, job)).toMatchObject({ stage: "building" });
    expect(await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "review" }, "key-1")).toEqual({
      kind: "idempotency_conflict",
      jobId: job.id,
      stage: "building",
    });
  });

  it("remembers keys of its owner only: the next owner's same key is its own", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building" }, "ship-it");
    world.clock.advance(1000);
    await aFactory(world, "f2");
    await mustClaim(world, "f2").catch(() => undefined);
    const ship = { factoryId: "f2", leaseEpoch: 3, stage: "building" as const };
    expect(await patch(world.fleet, PRODUCT, job.id, ship, "ship-it")).toMatchObject({
      kind: "patched",
      job: { stage: "building", holderFactoryId: "f2" },
    });
  });

  it("still knows a key after a day of renewals with reports, which have none", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    const build = { ...who, stage: "building" as const };
    await patch(world.fleet, PRODUCT, job.id, build, "key-1");
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "testing" }, "key-2");
    for (let turns = 1; turns <= 100; turns++)
      await renew(world.fleet, PRODUCT, job.id, { ...who, insights: { turns } });
    expect(await patch(world.fleet, PRODUCT, job.id, build, "key-1")).toMatchObject({ kind: "patched" });
    expect(await stored(world, job)).toMatchObject({ stage: "testing" });
    expect((await stored(world, job)).recentOps.length).toBeLessThanOrEqual(RECENT_OPS_MAX);
  });

  it("judges dependants when the job comes to testing, and not again with every report from there", async () => {
    const store = await open();
    let queries = 0;
    const counting = intercept(store, (call, proceed) => {
      if (call.method === "query" && call.container === "fleet_jobs") queries++;
      return proceed();
    });
    const world = aWorld(counting);
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "testing" });
    queries = 0;
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "testing", insights: { turns: 1 } });
    expect(queries).toBe(0);
  });

  it("does not tell a zombie to continue because it repeats a key that was accepted once", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    const build = { ...who, stage: "building" as const };
    await patch(world.fleet, PRODUCT, job.id, build, "key-1");
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    expect(await patch(world.fleet, PRODUCT, job.id, build, "key-1")).toMatchObject({
      kind: "stale_lease",
      currentEpoch: 2,
      directive: { action: "stop", reason: "lease_lost" },
    });
  });

  it("tells a worker to stop whose patch was accepted, but whose job was lost before it could be told", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    const lost = intercept(loseAnswer(store, writes("fleet_jobs")), async (_call, proceed) => {
      try {
        return await proceed();
      } catch (error) {
        world.clock.advance(1000);
        await reap(world.fleet, PRODUCT, job.id);
        throw error;
      }
    });
    const unlucky = aWorld(lost, { name: "two", clock: world.clock });
    expect(await patch(unlucky.fleet, PRODUCT, job.id, { ...who, stage: "building" })).toMatchObject({
      kind: "patched",
      directive: { action: "stop", reason: "lease_lost" },
    });
  });

  it("is applied once when the answer of its write was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    const unlucky = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    expect(await patch(unlucky.fleet, PRODUCT, job.id, { ...who, stage: "building" })).toMatchObject({
      kind: "patched",
    });
    expect(await stored(world, job)).toMatchObject({ stage: "building", eventSeq: 3 });
  });

  it("is applied once when its write happens later than the error that it got", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    const { store: slow, later } = delayEffect(store, writes("fleet_jobs"));
    const unlucky = aWorld(slow, { name: "two", clock: world.clock });
    await patch(unlucky.fleet, PRODUCT, job.id, { ...who, stage: "building" });
    await later();
    expect(await stored(world, job)).toMatchObject({ stage: "building", eventSeq: 3 });
  });

  it("adds up running totals by their maximum: a late or repeated report changes nothing", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    const report = (insights: object) => patch(world.fleet, PRODUCT, job.id, { ...who, insights });
    await report({ tokensIn: 100, costUsd: 0.5, model: "opus" });
    await report({ tokensIn: 300, turns: 2 });
    await report({ tokensIn: 100, costUsd: 0.5, model: "opus" });
    expect((await stored(world, job)).run?.insights).toEqual({
      tokensIn: 300,
      costUsd: 0.5,
      model: "opus",
      turns: 2,
    });
  });
});
