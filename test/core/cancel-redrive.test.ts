import { expect, it } from "vitest";
import { cancel } from "../../shared/core/cancel.js";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { redrive } from "../../shared/core/redrive.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import {
  crashAfter,
  delayEffect,
  intercept,
  justBefore,
  loseAnswer,
  reads,
  writes,
} from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const CANCELLED = { stage: "failed", failure: { kind: "cancelled", message: "not needed" } };
const STOP = { action: "stop", reason: "cancelled" };

async function owned(world: World) {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "f1"));
  return job;
}
const cancelled = (world: World, id: string, key?: string) =>
  cancel(world.fleet, PRODUCT, id, { reason: "not needed" }, key);

onEachStore("cancel", (open) => {
  it("fences the holder off at once, and every later answer to it says why", async () => {
    const world = aWorld(await open());
    const { id } = await owned(world);
    await patch(world.fleet, PRODUCT, id, { ...who, checkpoint: { wipCommit: "w1" } });
    expect(await cancelled(world, id)).toMatchObject({
      kind: "cancelled",
      job: { ...CANCELLED, leaseEpoch: 2 },
    });
    const fenced = { kind: "stale_lease", currentEpoch: 2, stage: "failed", directive: STOP };
    expect(await renew(world.fleet, PRODUCT, id, who)).toEqual(fenced);
    expect(await patch(world.fleet, PRODUCT, id, { ...who, stage: "shipped" })).toEqual(fenced);
    expect(await release(world.fleet, PRODUCT, id, who)).toEqual(fenced);
    expect(await stored(world, { id, productId: PRODUCT })).toMatchObject({
      ...CANCELLED,
      checkpoint: { wipCommit: "w1" },
    });
    expect((await world.fleet.leases.get(id, id))?.doc.status).toBe("expired");
    expect((await world.fleet.runs.get(id, `${id}:1`))?.doc.endedAt).toBeDefined();
  });

  it("ends a job that waits, which nobody can claim afterwards", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const blocked = await aJob(world, { idempotencyKey: "b", deps: [dep.id] });
    expect(await cancelled(world, dep.id)).toMatchObject({ job: { ...CANCELLED, leaseEpoch: 0 } });
    expect(await stored(world, blocked)).toMatchObject({
      stage: "blocked",
      blockedBy: [{ jobId: dep.id, stage: "failed" }],
    });
    expect(await cancelled(world, blocked.id)).toMatchObject({ kind: "cancelled" });
    await aFactory(world, "f1");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ kind: "nothing" });
  });

  it("twice is once, and of what ended otherwise it is refused", async () => {
    const world = aWorld(await open());
    const job = await owned(world);
    await cancelled(world, job.id);
    const before = await stored(world, job);
    expect(await cancelled(world, job.id)).toMatchObject({ kind: "cancelled", job: CANCELLED });
    expect(await stored(world, job)).toEqual(before);

    const other = await aJob(world, { idempotencyKey: "other" });
    await mustClaim(world, "f1");
    await patch(world.fleet, PRODUCT, other.id, { ...who, stage: "shipped" });
    expect(await cancelled(world, other.id)).toEqual({
      kind: "illegal_transition",
      from: "shipped",
      to: "failed",
      allowed: [],
    });
    expect(await cancelled(world, "nothing")).toEqual({ kind: "not_found" });
  });

  it("under a key that came with another body is a conflict", async () => {
    const world = aWorld(await open());
    const { id } = await aJob(world, { idempotencyKey: "a" });
    await cancelled(world, id, "k");
    expect(await cancelled(world, id, "k")).toMatchObject({ kind: "cancelled" });
    await redrive(world.fleet, PRODUCT, id, {}, "r");
    expect(await cancel(world.fleet, PRODUCT, id, {}, "k")).toMatchObject({ kind: "idempotency_conflict" });
    expect(await redrive(world.fleet, PRODUCT, id, {}, "r")).toMatchObject({ kind: "redriven" });
  });

  it("leaves exactly one outcome beside a finish at the same moment", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await owned(world);
    const ship = () => patch(world.fleet, PRODUCT, job.id, { ...who, stage: "shipped" });
    const late = aWorld(justBefore(store, writes("fleet_jobs"), ship), { name: "two", clock: world.clock });
    expect(await cancelled(late, job.id)).toMatchObject({ kind: "illegal_transition", from: "shipped" });
    expect(await stored(world, job)).toMatchObject({ stage: "shipped" });

    const next = await aJob(world, { idempotencyKey: "next" });
    await mustClaim(world, "f1");
    const early = justBefore(store, writes("fleet_jobs"), () => cancelled(world, next.id));
    const shipping = aWorld(early, { name: "three", clock: world.clock });
    const shipped = await patch(shipping.fleet, PRODUCT, next.id, { ...who, stage: "shipped" });
    expect(shipped).toMatchObject({ kind: "stale_lease", directive: STOP });
    expect(await stored(world, next)).toMatchObject(CANCELLED);
  });

  it("never says that nothing was done once it may have been", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    // Its write has no answer, a factory claims the job, and the lease can't be read for load.
    const lost = delayEffect(store, writes("fleet_jobs"));
    const busy = intercept(lost.store, async (call, proceed) => {
      if (call.container === "fleet_leases") throw new StoreThrottled(1);
      return proceed();
    });
    const claimed = justBefore(busy, reads("fleet_jobs", 2), () => mustClaim(world, "f1"));
    const troubled = aWorld(claimed, { name: "two", clock: world.clock });
    await expect(cancelled(troubled, job.id)).rejects.toThrow(StoreUnavailable);
  });

  it("is told to have happened when its answer was lost, and happens when it is repeated after a death", async () => {
    const store = await open();
    const world = aWorld(store);
    const { id } = await owned(world);
    const lossy = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    expect(await cancelled(lossy, id)).toMatchObject({ kind: "cancelled", job: { leaseEpoch: 2 } });

    const other = await aJob(world, { idempotencyKey: "other" });
    await mustClaim(world, "f1");
    const dying = aWorld(crashAfter(store, writes("fleet_leases")), { name: "three", clock: world.clock });
    await expect(cancelled(dying, other.id)).rejects.toThrow("died");
    expect(await cancelled(world, other.id)).toMatchObject({ kind: "cancelled", job: { leaseEpoch: 2 } });
  });
});

onEachStore("redrive", (open) => {
  it("puts what failed back with all its attempts, from its checkpoint", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a", retry: { max: 0 } });
    await mustClaim(world, await aFactory(world, "f1"));
    const end = { stage: "failed", checkpoint: { wipCommit: "w1" }, result: 1, exit: 3 } as const;
    expect(await patch(world.fleet, PRODUCT, job.id, { ...who, ...end })).toMatchObject({
      job: { stage: "dead_letter" },
    });
    const back = await redrive(world.fleet, PRODUCT, job.id, {});
    expect(back).toMatchObject({
      kind: "redriven",
      job: { stage: "queued", attempt: 0, leaseEpoch: 1, checkpoint: { wipCommit: "w1" } },
    });
    const redriven = await stored(world, job);
    for (const gone of ["failure", "result", "exit", "holderFactoryId", "notBefore", "dirty"] as const)
      expect(redriven[gone]).toBeUndefined();
    expect((await mustClaim(world, "f1")).job).toMatchObject({ attempt: 1, leaseEpoch: 2 });
    const runs = await world.fleet.runs.list(job.id, 10);
    expect(runs.value.map(({ leaseEpoch, exit }) => [leaseEpoch, exit])).toEqual([
      [1, 3],
      [2, undefined],
    ]);
  });

  it("under a key has one effect, though a factory claimed the job before it was repeated", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "failed" });
    await redrive(world.fleet, PRODUCT, job.id, {}, "k");
    await mustClaim(world, "f1");
    const again = { factoryId: "f1", leaseEpoch: 2, stage: "failed" } as const;
    expect(await redrive(world.fleet, PRODUCT, job.id, {}, "k")).toMatchObject({ kind: "redriven" });
    const holder = { factoryId: "f1", leaseEpoch: 2 };
    expect(await renew(world.fleet, PRODUCT, job.id, holder)).toMatchObject({ kind: "renewed" });
    await patch(world.fleet, PRODUCT, job.id, again);
    expect(await redrive(world.fleet, PRODUCT, job.id, {}, "k")).toMatchObject({ job: { stage: "failed" } });
  });

  it("waits for its dependencies again", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id] });
    await cancelled(world, job.id);
    expect(await redrive(world.fleet, PRODUCT, job.id, {})).toMatchObject({
      job: { stage: "blocked", blockedBy: [{ jobId: dep.id, stage: "queued" }] },
    });
  });

  it("is refused of what is open or shipped", async () => {
    const world = aWorld(await open());
    const job = await owned(world);
    expect(await redrive(world.fleet, PRODUCT, job.id, {})).toMatchObject({
      kind: "illegal_transition",
      from: "assigned",
      to: "queued",
    });
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "shipped" });
    expect(await redrive(world.fleet, PRODUCT, job.id, {})).toMatchObject({ from: "shipped" });
    expect(await redrive(world.fleet, PRODUCT, "nothing", {})).toEqual({ kind: "not_found" });
  });
});
