import { describe, expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { decideReap, reap } from "../../shared/core/reap.js";
import { renew } from "../../shared/core/renew.js";
import { justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import {
  LEASE_SECONDS,
  PRODUCT,
  SKEW_SECONDS,
  aFactory,
  aJob,
  aWorld,
  mustClaim,
  stored,
} from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };

onEachStore("the reaper", (open) => {
  it("puts a dead factory's job back into the queue at a higher epoch, with its checkpoint", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const checkpoint = { wipBranch: "wip/a", wipBase: "main", wipCommit: "c0ffee" };
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building", checkpoint });
    world.clock.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(true);
    const now = await stored(world, job);
    expect(now).toMatchObject({ stage: "queued", leaseEpoch: 2, checkpoint, attempt: 1 });
    expect(now.holderFactoryId).toBeUndefined();
    expect((await world.fleet.leases.get(job.id, job.id))?.doc).toMatchObject({
      status: "expired",
      leaseEpoch: 1,
    });
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc.endedAt).toBeDefined();
  });

  it("lets the next factory resume from the checkpoint", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, { ...who, checkpoint: { wipCommit: "c0ffee" } });
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    const next = await mustClaim(world, await aFactory(world, "f2"));
    expect(next.job).toMatchObject({ leaseEpoch: 3, attempt: 2, checkpoint: { wipCommit: "c0ffee" } });
  });

  it("does twice what it does once", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    const once = await stored(world, job);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(false);
    expect(await stored(world, job)).toEqual(once);
  });

  it("reaps once when two reapers come at the same moment", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(1000);
    const reaped = [];
    const racing = justBefore(store, writes("fleet_jobs"), async () => {
      reaped.push(await reap(world.fleet, PRODUCT, job.id));
    });
    reaped.push(await reap(aWorld(racing, { name: "two", clock: world.clock }).fleet, PRODUCT, job.id));
    expect(reaped).toEqual([true, false]);
    expect(await stored(world, job)).toMatchObject({ leaseEpoch: 2, eventSeq: 3 });
  });

  it("does not flip back a job that is finished at the same moment", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(1000);
    // The reaper has revoked the lease; before it writes the job, the holder ships: its epoch is current.
    const racing = justBefore(store, writes("fleet_jobs"), () =>
      patch(world.fleet, PRODUCT, job.id, { ...who, stage: "shipped", result: { ok: true } }),
    );
    expect(await reap(aWorld(racing, { name: "two", clock: world.clock }).fleet, PRODUCT, job.id)).toBe(
      false,
    );
    expect(await stored(world, job)).toMatchObject({ stage: "shipped", leaseEpoch: 1, result: { ok: true } });
  });

  it("keeps the checkpoint of a patch that came between the revocation and the requeue", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(1000);
    const racing = justBefore(store, writes("fleet_jobs"), () =>
      patch(world.fleet, PRODUCT, job.id, { ...who, checkpoint: { wipCommit: "last" } }),
    );
    expect(await reap(aWorld(racing, { name: "two", clock: world.clock }).fleet, PRODUCT, job.id)).toBe(true);
    expect(await stored(world, job)).toMatchObject({ stage: "queued", checkpoint: { wipCommit: "last" } });
  });

  it("leaves a job alone whose holder renewed at the last moment", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
    const racing = justBefore(store, writes("fleet_leases"), () => renew(world.fleet, PRODUCT, job.id, who));
    expect(await reap(aWorld(racing, { name: "two", clock: world.clock }).fleet, PRODUCT, job.id)).toBe(
      false,
    );
    expect(await stored(world, job)).toMatchObject({ stage: "assigned", leaseEpoch: 1 });
  });

  it("waits for lease and clock skew, and not a second less", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(LEASE_SECONDS + SKEW_SECONDS);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(false);
    world.clock.advance(0.002);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(true);
  });

  it("is not needed for a claim that finds nothing: it looks for overdue jobs itself", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
    await aFactory(world, "f2");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f2" })).toMatchObject({
      kind: "claimed",
      job: { id: job.id, leaseEpoch: 3, holderFactoryId: "f2" },
    });
  });
});

describe("whether a lease is over", () => {
  const now = Date.UTC(2026, 0, 1);
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
  const job = { stage: "building", leaseEpoch: 5, holderFactoryId: "f1", graceUntil: at(-10) } as never;
  const lease = (given: object) => ({ status: "held", leaseEpoch: 5, expiresAt: at(60), ...given }) as never;
  const judge = (j: never, l?: never) => decideReap(j, l, now, 2000).kind;

  it.each([
    ["held and running", lease({}), "alive"],
    ["held and past its end, yet within the skew", lease({ expiresAt: at(-2) }), "alive"],
    ["held and past its end and the skew", lease({ expiresAt: at(-2.001) }), "over"],
    ["revoked before", lease({ status: "expired" }), "over"],
    ["released", lease({ status: "released" }), "over"],
    ["of an older epoch, the grace past", lease({ leaseEpoch: 4 }), "over"],
    ["missing, the grace past", undefined, "over"],
    ["newer than the job: our view is old", lease({ leaseEpoch: 6 }), "old_view"],
  ])("a lease that is %s", (_what, found, kind) => {
    expect(judge(job, found as never)).toBe(kind);
  });

  it("grants a claim its grace before it calls a missing lease dead", () => {
    expect(judge({ ...(job as object), graceUntil: at(-2) } as never, undefined)).toBe("alive");
  });

  it("has nothing to say about a job that nobody owns", () => {
    expect(judge({ ...(job as object), stage: "queued" } as never, lease({ expiresAt: at(-60) }))).toBe(
      "not_owned",
    );
  });
});
