import { expect, it } from "vitest";
import { cancel } from "../../shared/core/cancel.js";
import { patch } from "../../shared/core/patch.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { crashAfter, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const FAILED = { stage: "failed", failure: { kind: "dependency_failed" } };

onEachStore("a dependency that fails", (open) => {
  it("leaves its dependants blocked, and named, unless they are to fail with it; and so on down the line", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const stays = await aJob(world, { idempotencyKey: "stays", deps: [dep.id] });
    const fails = await aJob(world, { idempotencyKey: "fails", deps: [dep.id], onDependencyFailure: "fail" });
    const next = await aJob(world, { idempotencyKey: "next", deps: [fails.id], onDependencyFailure: "fail" });
    const rest = await aJob(world, { idempotencyKey: "rest", deps: [next.id] });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, dep.id, { ...who, stage: "failed" });
    expect(await stored(world, stays)).toMatchObject({
      stage: "blocked",
      blockedBy: [{ jobId: dep.id, stage: "failed" }],
    });
    expect(await stored(world, fails)).toMatchObject(FAILED);
    expect((await stored(world, fails)).failure?.message).toBe(`${dep.id} is failed`);
    expect(await stored(world, next)).toMatchObject(FAILED);
    expect(await stored(world, rest)).toMatchObject({
      stage: "blocked",
      blockedBy: [{ jobId: next.id, stage: "failed" }],
    });
  });

  it("has failed already when a job that is to fail with it is submitted", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    await cancel(world.fleet, PRODUCT, dep.id, {});
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id], onDependencyFailure: "fail" });
    expect(job).toMatchObject(FAILED);
    expect((await stored(world, job)).dirty).toBeUndefined();
  });

  it("fails them by the sweep when the coordinator dies right after its write", async () => {
    const store = await open();
    const world = aWorld(store);
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id], onDependencyFailure: "fail" });
    const next = await aJob(world, { idempotencyKey: "b", deps: [job.id], onDependencyFailure: "fail" });
    await mustClaim(world, await aFactory(world, "f1"));
    const dying = aWorld(crashAfter(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    const end = { ...who, stage: "failed" } as const;
    await expect(patch(dying.fleet, PRODUCT, dep.id, end)).rejects.toThrow("died");
    const sweep = startSweep(world.fleet);
    for (let tick = 0; tick < 4; tick++) await reapAndSweep(world.fleet, sweep);
    for (const failed of [job, next]) {
      expect(await stored(world, failed)).toMatchObject(FAILED);
      expect((await stored(world, failed)).dirty).toBeUndefined();
    }
  });
});
