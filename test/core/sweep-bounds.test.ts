/** The reaper's pass is bounded, and no part of it can take another's time or end another's work. */
import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { crashAfter, intercept, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { LEASE_SECONDS, PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const seconds = (ms: number): number => ms / 1000;

/** Every request takes a second. */
function slow(store: Store, world: World): World {
  const store1s = intercept(store, (_call, proceed) => {
    world.clock.advance(1);
    return proceed();
  });
  return aWorld(store1s, { name: "two", clock: world.clock });
}

/** The `which`-th kind of the pass finds the store unreachable: its query, asked once or twice, fails. */
function failing(store: Store, which: (query: number) => boolean): Store {
  let queries = 0;
  return intercept(store, (call, proceed) =>
    call.method === "queryEveryPartition" && which(++queries)
      ? Promise.reject(new StoreUnavailable("no answer"))
      : proceed(),
  );
}

/** Something to do for each kind: an overdue lease, an owned job without one, a dirty job with a dependant, an open run. */
async function oneOfEachKind(store: Store, world: World) {
  await aFactory(world, "f1", { seatLimit: 100 });
  const overdue = await aJob(world, { idempotencyKey: "overdue" });
  await mustClaim(world, "f1");
  const leaseless = await aJob(world, { idempotencyKey: "leaseless" });
  await mustClaim(world, "f1");
  const lease = await world.fleet.leases.get(leaseless.id, leaseless.id);
  if (lease) await world.fleet.leases.deleteIfMatch(leaseless.id, lease);
  const dirty = await aJob(world, { idempotencyKey: "dirty" });
  const dependant = await aJob(world, { idempotencyKey: "dependant", deps: [dirty.id] });
  await mustClaim(world, "f1");
  const dying = aWorld(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock });
  const ship = { factoryId: "f1", leaseEpoch: 1, stage: "shipped" } as const;
  await patch(dying.fleet, PRODUCT, dirty.id, ship).catch(() => undefined);
  world.clock.advance(LEASE_SECONDS + 10);
  return { overdue, leaseless, dirty, dependant };
}

onEachStore("a tick", (open) => {
  it.each([1, 2, 3, 4, 5, 6])(
    "goes on with the other kinds when the query of kind %i fails",
    async (kind) => {
      const store = await open();
      const world = aWorld(store);
      const jobs = await oneOfEachKind(store, world);
      // The first kind asks once; each scan from a random place asks twice, unless its first query fails.
      const asked = kind === 1 ? 1 : 2 * kind - 2;
      const troubled = aWorld(
        failing(store, (query) => query === asked),
        { name: "two", clock: world.clock },
      );
      const report = await reapAndSweep(troubled.fleet, startSweep(troubled.fleet));
      expect(report.failed).toBe(1);
      expect(troubled.log).toContain("the next pass tries again: no answer");
      // What one kind left, the others found all the same, but for the one that only that scan can find.
      expect((await stored(world, jobs.overdue)).stage).toBe("queued");
      expect((await stored(world, jobs.leaseless)).stage).toBe(kind === 2 ? "assigned" : "queued");
      expect((await stored(world, jobs.dirty)).dirty).toBe(kind === 3 ? true : undefined);
      expect((await stored(world, jobs.dependant)).stage).toBe("queued");
    },
  );

  it("throws what the store said when no query at all is answered", async () => {
    const store = await open();
    const world = aWorld(failing(store, () => true));
    await expect(reapAndSweep(world.fleet, startSweep(world.fleet))).rejects.toThrow("no answer");
  });

  it("reports, and does not throw, when one query of six is answered", async () => {
    const store = await open();
    const world = aWorld(failing(store, (query) => query < 6));
    expect(await reapAndSweep(world.fleet, startSweep(world.fleet))).toEqual({
      reaped: 0,
      failed: 5,
      retired: 0,
    });
  });

  it("does all there is in one tick when the store is fast", async () => {
    const store = await open();
    const world = aWorld(store);
    await aFactory(world, "f1", { seatLimit: 100 });
    for (let n = 0; n < 12; n++) {
      await aJob(world, { idempotencyKey: `j${n}` });
      const { job } = await mustClaim(world, "f1");
      const lease = await world.fleet.leases.get(job.id, job.id);
      if (lease) await world.fleet.leases.deleteIfMatch(job.id, lease);
    }
    world.clock.advance(1000);
    expect(await reapAndSweep(world.fleet, startSweep(world.fleet))).toEqual({
      reaped: 12,
      failed: 0,
      retired: 0,
    });
  });

  it("ends in time, however much there is to do and however slow the store is", async () => {
    const store = await open();
    const world = aWorld(store);
    await aFactory(world, "f1", { seatLimit: 100 });
    for (let n = 0; n < 40; n++) {
      await aJob(world, { idempotencyKey: `j${n}` });
      await mustClaim(world, "f1");
    }
    const reaper = slow(store, world);
    const began = world.clock.now();
    await reapAndSweep(reaper.fleet, startSweep(reaper.fleet));
    // Owned jobs and open runs have 3.5 s each and the document that they are at; six kinds ask up to twice.
    expect(seconds(world.clock.now() - began)).toBeLessThan(25);
  });

  it("gives a kind no more than its time: what it has not done after 3.5 s waits for the next tick", async () => {
    const store = await open();
    const world = aWorld(store);
    await aFactory(world, "f1", { seatLimit: 100 });
    for (let n = 0; n < 6; n++) {
      await aJob(world, { idempotencyKey: `j${n}` });
      await mustClaim(world, "f1");
    }
    let leasesRead = 0;
    let runsAsked = false;
    // Reading a lease takes 1.75 s, all else no time: two jobs are looked at, and a third, after 3.5 s, is not begun.
    const counting = intercept(store, (call, proceed) => {
      if (call.method === "queryEveryPartition" && call.container === "fleet_runs") runsAsked = true;
      if (call.method === "read" && call.container === "fleet_leases" && !runsAsked) {
        leasesRead++;
        world.clock.advance(1.75);
      }
      return proceed();
    });
    const reaper = aWorld(counting, { name: "two", clock: world.clock });
    const sweep = startSweep(reaper.fleet);
    await reapAndSweep(reaper.fleet, sweep);
    expect(leasesRead).toBe(2);
    runsAsked = false;
    await reapAndSweep(reaper.fleet, sweep);
    expect(leasesRead).toBe(4);
  });
});
