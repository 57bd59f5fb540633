/** What a blocked job says of its deps, who is woken first, and how far a search for a cycle goes. */
import { describe, expect, it } from "vitest";
import { cancel } from "../../shared/core/cancel.js";
import { refuseEdges, unblock, wakeDependants } from "../../shared/core/deps.js";
import { patch } from "../../shared/core/patch.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { Job } from "../../shared/schema/job.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { aDocument } from "../support/documents.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };

onEachStore("a blocked job", (open) => {
  it("is told of a dependency that ended, not of each stage on its way", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const other = await aJob(world, { idempotencyKey: "other" });
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id, other.id] });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, dep.id, { ...who, stage: "building" });
    const before = await stored(world, job);
    await unblock(world.fleet, job);
    expect(await stored(world, job)).toEqual(before);

    await patch(world.fleet, PRODUCT, dep.id, { ...who, stage: "failed" });
    const after = await stored(world, job);
    expect(after.blockedBy).toEqual([
      { jobId: dep.id, stage: "failed" },
      { jobId: other.id, stage: "queued" },
    ]);
    expect(after.eventSeq).toBe(before.eventSeq + 1);
    expect(after.outbox.at(-1)).toMatchObject({ type: "blocked", data: { blockedBy: after.blockedBy } });
    await unblock(world.fleet, job);
    expect(await stored(world, job)).toEqual(after);
  });

  it("names the one that failed, however many others are missing", async () => {
    const world = aWorld(await open());
    const deps = [];
    for (let n = 0; n < 12; n++) deps.push((await aJob(world, { idempotencyKey: `d${n}` })).id);
    const job = await aJob(world, { idempotencyKey: "a", deps });
    const last = deps.at(-1) ?? "";
    await cancel(world.fleet, PRODUCT, last, {});
    expect((await stored(world, job)).blockedBy?.[0]).toEqual({ jobId: last, stage: "failed" });
  });

  it("names ten of its missing dependencies at most, and waits for all of them", async () => {
    const world = aWorld(await open());
    const deps = [];
    for (let n = 0; n < 12; n++) deps.push((await aJob(world, { idempotencyKey: `d${n}` })).id);
    const job = await aJob(world, { idempotencyKey: "a", deps });
    expect(job.blockedBy?.map(({ jobId }) => jobId)).toEqual(deps.slice(0, 10));
  });

  it("whose dependency is gone is a fault of the store, and is not set free", async () => {
    const world = aWorld(await open());
    const job = aDocument.fleet_jobs({ stage: "blocked", deps: ["nobody"] });
    await world.fleet.jobs.create(job);
    await expect(unblock(world.fleet, job)).rejects.toThrow("nobody");
    expect(await stored(world, job)).toEqual(job);
  });

  it("that does not exist is not judged", async () => {
    const world = aWorld(await open());
    expect(await unblock(world.fleet, { id: "nobody", productId: PRODUCT })).toBeUndefined();
  });

  it("tells of its way to the queue in an event", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id] });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, dep.id, { ...who, stage: "shipped" });
    const now = await stored(world, job);
    expect(now.outbox.at(-1)).toMatchObject({
      type: "unblocked",
      data: { from: "blocked", to: "queued" },
    });
  });
});

onEachStore("waking dependants", (open) => {
  it("of a job in testing judges those that wait for testing, however many wait for shipped", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep", priority: "critical" });
    for (let n = 0; n < 30; n++) await aJob(world, { idempotencyKey: `hard${n}`, deps: [dep.id] });
    const soft = [];
    for (let n = 0; n < 8; n++)
      soft.push(await aJob(world, { idempotencyKey: `soft${n}`, deps: [dep.id], depsMode: "soft" }));
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, dep.id, { ...who, stage: "testing" });
    for (const job of soft) expect(await stored(world, job)).toMatchObject({ stage: "queued" });
    expect(await world.fleet.jobs.countByStage(PRODUCT, "blocked")).toBe(30);
  });

  it("says whether that were all, and stops when its time is over", async () => {
    const store = await open();
    const world = aWorld(store);
    const dep = await aJob(world, { idempotencyKey: "dep" });
    for (let n = 0; n < 3; n++) await aJob(world, { idempotencyKey: `d${n}`, deps: [dep.id] });
    const now = world.clock.now();
    expect(await wakeDependants(world.fleet, dep, 3, now)).toBe("all");
    expect(await wakeDependants(world.fleet, dep, 2, now)).toBe("some");
    let judged = 0;
    const slow = intercept(store, (call, proceed) => {
      // A dependant is read, and its one dep.
      if (call.method === "read" && call.container === "fleet_jobs" && ++judged % 2 === 0)
        world.clock.advance(1);
      return proceed();
    });
    const late = aWorld(slow, { name: "two", clock: world.clock });
    expect(await wakeDependants(late.fleet, dep, 3, now + 1000)).toBe("some");
    expect(judged / 2).toBe(2);
  });
});

describe("the search for a cycle", () => {
  const graph = (depsOf: (n: number) => number[], read: number[]): Fleet => {
    const { fleet } = aWorld({} as never);
    const get = (_product: string, id: string) => {
      const n = Number(id.slice(1));
      read.push(n);
      return Promise.resolve({ doc: aNode(n, depsOf(n)), etag: "" });
    };
    return { ...fleet, jobs: { ...fleet.jobs, get } };
  };
  const aNode = (n: number, deps: number[]): Job =>
    aDocument.fleet_jobs({ id: `n${n}`, order: 10 + n, deps: deps.map((dep) => `n${dep}`) });
  const root = aNode(0, []);
  const from = (n: number, depsOf: (n: number) => number[], read: number[] = []) =>
    refuseEdges(graph(depsOf, read), root, [aNode(n, depsOf(n))]);

  it("finds one that is as long as the search goes, and shows its whole path", async () => {
    const read: number[] = [];
    const refused = await from(1, (n) => (n === 1000 ? [0] : [n + 1]), read);
    expect(refused).toMatchObject({ kind: "dependency_cycle" });
    expect(refused).toHaveProperty("cycle.length", 1002);
    expect(read).toHaveLength(999);
  });

  it("ends after a thousand jobs without one, and says what it knows", async () => {
    const read: number[] = [];
    expect(await from(1, (n) => [n + 1], read)).toEqual({ kind: "dependency_order", deps: ["n1"] });
    expect(read).toHaveLength(1000);
  });

  it("reads each job once, though many paths lead to it, and none that is older", async () => {
    const read: number[] = [];
    const ladder = (n: number): number[] => (n < 7 ? [n + 1, n + 2, -5] : []);
    expect(await from(1, ladder, read)).toEqual({ kind: "dependency_order", deps: ["n1"] });
    expect(read.filter((n) => n > 0)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(read.filter((n) => n === -5)).toEqual([-5]);
  });

  it("does not go on behind a job that is older: nothing there can lead back", async () => {
    const read: number[] = [];
    const depsOf = (n: number): number[] => (n === 1 ? [-5] : n === -5 ? [-6] : []);
    await from(1, depsOf, read);
    expect(read).toEqual([-5]);
  });

  it("reads no more than a thousand of what one round found, a few at a time", async () => {
    const read: number[] = [];
    const wide = (n: number): number[] => (n === 1 ? Array.from({ length: 1500 }, (_, at) => at + 2) : []);
    expect(await from(1, wide, read)).toEqual({ kind: "dependency_order", deps: ["n1"] });
    expect(read).toHaveLength(1000);
  });

  it("allows what is older, and refuses the very order that the job has", async () => {
    const older = aNode(-1, []);
    const { fleet } = aWorld({} as never);
    expect(await refuseEdges(fleet, root, [older])).toBeUndefined();
    expect(await refuseEdges(fleet, root, [older, { ...root, id: "twin" }])).toEqual({
      kind: "dependency_order",
      deps: ["twin"],
    });
  });
});
