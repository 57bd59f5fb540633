/** A renewal that meets a claim half done, a revocation, or a store in trouble. */
import { expect, it } from "vitest";
import { grantLease } from "../../shared/core/lease-writes.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { reap } from "../../shared/core/reap.js";
import { renew } from "../../shared/core/renew.js";
import { claim } from "../../shared/core/claim.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { OwnedJob } from "../../shared/schema/job.js";
import { crashAfter, intercept, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };

async function anOwnedJob(world: World) {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "f1"));
  return job;
}

/** The fleet, where `meanwhile` happens in the first wait. */
function inTheFirstWait({ fleet }: World, meanwhile: () => Promise<unknown>): Fleet {
  let waited = false;
  const pause = async (): Promise<void> => {
    if (!waited) await meanwhile();
    waited = true;
  };
  return { ...fleet, pause };
}

onEachStore("a renewal that comes between a claim's job and its lease", (open) => {
  it("waits for the lease, where there is none yet", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const dying = aWorld(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock });
    await claim(dying.fleet, PRODUCT, { factoryId: "f1" }).catch(() => undefined);
    const owned = (await stored(world, job)) as OwnedJob;
    const waiting = inTheFirstWait(world, () => grantLease(world.fleet, owned, 90));
    expect(await renew(waiting, PRODUCT, job.id, who)).toMatchObject({
      kind: "renewed",
      lease: { leaseEpoch: 1, renewals: 1 },
    });
  });

  it("waits for the lease, where only a former epoch's is there, and revoked", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    await aFactory(world, "f1");
    const dying = aWorld(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock });
    await claim(dying.fleet, PRODUCT, { factoryId: "f1" }).catch(() => undefined);
    const owned = (await stored(world, job)) as OwnedJob;
    expect(owned).toMatchObject({ leaseEpoch: 3 });
    const waiting = inTheFirstWait(world, () => grantLease(world.fleet, owned, 90));
    expect(await renew(waiting, PRODUCT, job.id, { ...who, leaseEpoch: 3 })).toMatchObject({
      kind: "renewed",
      lease: { leaseEpoch: 3, renewals: 1 },
    });
  });

  it("tries again when the lease came just after it looked", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    let reads = 0;
    const late = intercept(store, (call, proceed) =>
      call.method === "read" && call.container === "fleet_leases" && ++reads === 1
        ? Promise.resolve(undefined)
        : proceed(),
    );
    const two = aWorld(late, { name: "two", clock: world.clock });
    expect(await renew(two.fleet, PRODUCT, job.id, who)).toMatchObject({ kind: "renewed" });
  });
});

onEachStore("a renewal in trouble", (open) => {
  it("that was throttled before it wrote anything says so: nothing was done", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    const throttled = intercept(store, (call, proceed) =>
      call.container === "fleet_leases" ? Promise.reject(new StoreThrottled(1)) : proceed(),
    );
    const two = aWorld(throttled, { name: "two", clock: world.clock });
    await expect(renew(two.fleet, PRODUCT, job.id, who)).rejects.toThrow(StoreThrottled);
  });

  it("that was throttled at its second try says that nobody knows: the first may happen yet", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    let reads = 0;
    const troubled = intercept(store, (call, proceed) => {
      if (call.container !== "fleet_leases") return proceed();
      if (call.method === "replaceIfMatch") return Promise.reject(new StoreUnavailable("no answer"));
      // The read that looks whether the write happened is answered; the next try's is not.
      return ++reads > 2 ? Promise.reject(new StoreThrottled(1)) : proceed();
    });
    const two = aWorld(troubled, { name: "two", clock: world.clock });
    await expect(renew(two.fleet, PRODUCT, job.id, who)).rejects.toThrow(StoreUnavailable);
  });

  it("that reports totals is answered though the answer of that write was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    const unlucky = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    const report = { ...who, insights: { turns: 3 } };
    expect(await renew(unlucky.fleet, PRODUCT, job.id, report)).toMatchObject({
      kind: "renewed",
      lease: { renewals: 1 },
      directive: { action: "continue" },
    });
    expect((await stored(world, job)).run?.insights).toEqual({ turns: 3 });
  });
});
