import { describe, expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { SweepScan } from "../../shared/core/sweep-scan.js";
import { crashAfter, intercept, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";

onEachStore("a tick of the reaper", (open) => {
  it("requeues the overdue jobs of every product, and leaves the living alone", async () => {
    const world = aWorld(await open());
    const ours = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const theirs = await aJob(world, { idempotencyKey: "a" }, "umbrella");
    await aFactory(world, "f1", {}, "umbrella");
    await mustClaim(world, "f1", "umbrella");
    world.clock.advance(93);
    const living = await aJob(world, { idempotencyKey: "b" });
    await mustClaim(world, await aFactory(world, "f2"));
    expect(await reapAndSweep(world.fleet, startSweep(world.fleet))).toEqual({
      reaped: 2,
      failed: 0,
      retired: 0,
    });
    expect(await stored(world, ours)).toMatchObject({ stage: "queued" });
    expect(await stored(world, theirs)).toMatchObject({ stage: "queued" });
    expect(await stored(world, living)).toMatchObject({ stage: "assigned", holderFactoryId: "f2" });
  });

  it("does nothing the second time", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(1000);
    await reapAndSweep(world.fleet, startSweep(world.fleet));
    const written: string[] = [];
    const watched = intercept(store, (call, proceed) => {
      if (["create", "replaceIfMatch", "deleteIfMatch"].includes(call.method)) written.push(call.container);
      return proceed();
    });
    const again = aWorld(watched, { name: "two", clock: world.clock });
    expect(await reapAndSweep(again.fleet, startSweep(again.fleet))).toEqual({
      reaped: 0,
      failed: 0,
      retired: 0,
    });
    expect(written).toEqual([]);
  });

  it("goes on with the others when one job makes trouble, and says so", async () => {
    const store = await open();
    const world = aWorld(store);
    const bad = await aJob(world, { idempotencyKey: "bad" });
    const good = await aJob(world, { idempotencyKey: "good" });
    await aFactory(world, "f1");
    await mustClaim(world, "f1");
    await mustClaim(world, "f1");
    world.clock.advance(1000);
    const troubled = aWorld(
      intercept(store, (call, proceed) =>
        call.method === "replaceIfMatch" && call.doc["id"] === bad.id
          ? Promise.reject(new Error("trouble"))
          : proceed(),
      ),
      { name: "two", clock: world.clock },
    );
    const report = await reapAndSweep(troubled.fleet, startSweep(troubled.fleet));
    expect(report).toMatchObject({ reaped: 1 });
    expect(report.failed).toBeGreaterThan(0);
    expect(troubled.log.join()).toContain("trouble");
    expect(await stored(world, good)).toMatchObject({ stage: "queued" });
  });

  it("reaches every dead job in time, though the store is so slow that one tick manages a few", async () => {
    const store = await open();
    const world = aWorld(store);
    const jobs = [];
    for (let n = 0; n < 12; n++) jobs.push(await aJob(world, { idempotencyKey: `j${n}` }));
    await aFactory(world, "f1", { seatLimit: 100 });
    for (const job of jobs) {
      await mustClaim(world, "f1");
      // Without a lease only the scan of owned jobs finds it.
      const lease = await world.fleet.leases.get(job.id, job.id);
      if (lease) await world.fleet.leases.deleteIfMatch(job.id, lease);
    }
    world.clock.advance(1000);
    // Three of them make trouble, each after 10 s; and every request takes one.
    const poison = jobs
      .map(({ id }) => id)
      .sort()
      .slice(0, 3);
    const slow = intercept(store, (call, proceed) => {
      world.clock.advance(1);
      if (call.method !== "replaceIfMatch" || !poison.includes(String(call.doc["id"]))) return proceed();
      world.clock.advance(10);
      return Promise.reject(new Error("trouble"));
    });
    const reaper = aWorld(slow, { name: "two", clock: world.clock });
    const sweep = startSweep(reaper.fleet);
    for (let tick = 0; tick < 25; tick++) await reapAndSweep(reaper.fleet, sweep);
    expect(await world.fleet.jobs.countByStage(PRODUCT, "assigned")).toBe(poison.length);
    expect(await world.fleet.jobs.countByStage(PRODUCT, "queued")).toBe(jobs.length - poison.length);
  });

  it("gives every kind of work its time: slow healthy jobs don't keep a blocked one waiting", async () => {
    const store = await open();
    const world = aWorld(store);
    const dep = await aJob(world, { idempotencyKey: "dep", priority: "critical" });
    await aFactory(world, "f1", { seatLimit: 100 });
    await mustClaim(world, "f1");
    const blocked = await aJob(world, { idempotencyKey: "blocked", deps: [dep.id] });
    for (let n = 0; n < 20; n++) await aJob(world, { idempotencyKey: `healthy-${n}` });
    for (let n = 0; n < 20; n++) await mustClaim(world, "f1");
    const dying = aWorld(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock });
    await patch(dying.fleet, PRODUCT, dep.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" }).catch(
      () => undefined,
    );
    const slow = intercept(store, (_call, proceed) => {
      world.clock.advance(1);
      return proceed();
    });
    const reaper = aWorld(slow, { name: "two", clock: world.clock });
    await reapAndSweep(reaper.fleet, startSweep(reaper.fleet));
    expect(await stored(world, blocked)).toMatchObject({ stage: "queued" });
  });

  it("wakes more dependants than a request does", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    for (let n = 0; n < 25; n++) await aJob(world, { idempotencyKey: `d${n}`, deps: [dep.id] });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, dep.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" });
    expect(await world.fleet.jobs.countByStage(PRODUCT, "queued")).toBe(20);
    expect(await stored(world, dep)).toMatchObject({ dirty: true });
    await reapAndSweep(world.fleet, startSweep(world.fleet));
    expect(await world.fleet.jobs.countByStage(PRODUCT, "queued")).toBe(25);
    expect((await stored(world, dep)).dirty).toBeUndefined();
  });

  it("stops a claim that looks for overdue jobs from doing so more than every few seconds", async () => {
    const store = await open();
    let reads = 0;
    const counting = intercept(store, (call, proceed) => {
      if (call.method === "read" && call.container === "fleet_leases") reads++;
      return proceed();
    });
    const world = aWorld(counting);
    await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    await mustClaim(world, "f1");
    reads = 0;
    await claim(world.fleet, PRODUCT, { factoryId: "f1" });
    await claim(world.fleet, PRODUCT, { factoryId: "f1" });
    expect(reads).toBe(1);
    world.clock.advance(5);
    await claim(world.fleet, PRODUCT, { factoryId: "f1" });
    expect(reads).toBe(2);
  });
});

describe("a sweep's scan", () => {
  const documents = ["a", "b", "c", "d", "e", "f", "g"].map((id) => ({ id }));
  const find = (after: string, limit: number) =>
    Promise.resolve(documents.filter(({ id }) => id > after).slice(0, limit));
  const steps = async (scan: SweepScan<{ id: string }>, limit: number, count: number, atATime = limit) => {
    const seen: string[] = [];
    for (let n = 0; n < count; n++) {
      let met = "";
      const visit = ({ id }: { id: string }): Promise<void> => {
        met += id;
        return Promise.resolve();
      };
      await scan.step(limit, () => met.length < atATime, visit);
      seen.push(met);
    }
    return seen;
  };

  it("starts anywhere, wraps at the end, and meets each document once per pass", async () => {
    expect(await steps(new SweepScan("d", find), 3, 3)).toEqual(["efg", "abc", "def"]);
    expect(await steps(new SweepScan("e", find), 3, 3)).toEqual(["fga", "bcd", "efg"]);
  });

  it("meets nothing twice in one step that is larger than what there is", async () => {
    expect(await steps(new SweepScan("d", find), 100, 2)).toEqual(["efgabcd", "efgabcd"]);
    expect(await steps(new SweepScan("", find), 7, 2)).toEqual(["abcdefg", "abcdefg"]);
  });

  it("goes on where its time ran out, not behind what it read but did not visit", async () => {
    expect(await steps(new SweepScan("d", find), 100, 4, 3)).toEqual(["efg", "abc", "def", "gab"]);
    expect(await steps(new SweepScan("", find), 5, 3, 2)).toEqual(["ab", "cd", "ef"]);
  });

  it("visits one document at the least, however late it is", async () => {
    expect(await steps(new SweepScan("", find), 100, 3, 0)).toEqual(["a", "b", "c"]);
  });
});
