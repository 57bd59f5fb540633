import { describe, expect, it } from "vitest";
import { submitBatch } from "../../shared/core/batch.js";
import { claim } from "../../shared/core/claim.js";
import { laneOf } from "../../shared/core/lanes.js";
import { StoreThrottled } from "../../shared/core/ports/store.js";
import { readStats } from "../../shared/core/stats.js";
import { submit } from "../../shared/core/submit.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { LANES_MAX } from "../../shared/schema/limits.js";
import { omit } from "../../shared/schema/omit.js";
import { submission } from "../../shared/schema/requests.js";
import { intercept, loseAnswer, writes } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const content = (idempotencyKey: string, capabilities: string[] = [], engineClass?: string) =>
  submission.parse({ idempotencyKey, bodyMd: "x", capabilities, ...(engineClass ? { engineClass } : {}) });
const lanesOf = async ({ fleet }: World) => (await fleet.lanes.get(PRODUCT, "lanes"))?.doc.lanes ?? {};

/** Jobs as a version without lanes left them in the queue. */
async function anUnlanedJob(world: World, idempotencyKey: string, capabilities: string[]) {
  const job = await aJob(world, { idempotencyKey, capabilities });
  const read = await world.fleet.jobs.get(PRODUCT, job.id);
  if (read === undefined) throw new Error("not found");
  await world.fleet.jobs.replaceIfMatch(read, omit(read.doc, "lane"));
  return job;
}

describe("the name of a lane", () => {
  it("is the same for the same set, in whatever order and however often it is named", () => {
    expect(laneOf({ capabilities: ["b", "a", "b"] })).toBe(laneOf({ capabilities: ["a", "b"] }));
  });

  it("differs by engine class, and an engine class is no capability", () => {
    const names = [
      laneOf({ capabilities: [] }),
      laneOf({ capabilities: ["claude"] }),
      laneOf({ capabilities: [], engineClass: "claude" }),
      laneOf({ capabilities: ["claude"], engineClass: "claude" }),
    ];
    expect(new Set(names).size).toBe(4);
  });
});

onEachStore("lanes", (open) => {
  it("are one for all jobs that ask for the same, and none is written down for those that ask for nothing", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a", capabilities: ["gpu", "linux"] });
    const b = await aJob(world, { idempotencyKey: "b", capabilities: ["linux", "gpu"] });
    const c = await aJob(world, { idempotencyKey: "c" });
    expect([a.lane, c.lane]).toEqual([b.lane, "any"]);
    expect(await lanesOf(world)).toEqual({ [a.lane ?? ""]: { capabilities: ["gpu", "linux"] } });
  });

  it("don't change the order: priority, then age, over all that the factory can take", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "3", priority: "high", capabilities: ["linux"] });
    await aJob(world, { idempotencyKey: "4", priority: "high" });
    await aJob(world, { idempotencyKey: "gpu", priority: "critical", capabilities: ["gpu"] });
    await aJob(world, { idempotencyKey: "1", priority: "critical", engineClass: "claude" });
    await aJob(world, { idempotencyKey: "2", priority: "critical", capabilities: ["linux"] });
    await aJob(world, { idempotencyKey: "5", priority: "low" });
    await aFactory(world, "f1", { capabilities: ["linux", "mac"], engines: ["claude"] });
    const order: string[] = [];
    for (let n = 0; n < 5; n++) order.push((await mustClaim(world, "f1")).job.idempotencyKey);
    expect(order).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("a new one is seen by a claim of another instance, whatever that looked at before", async () => {
    const store = await open();
    const world = aWorld(store);
    const two = aWorld(store, { name: "two", clock: world.clock });
    await aFactory(world, "f1", { capabilities: ["linux"] });
    await aJob(world, { idempotencyKey: "a" });
    await mustClaim(two, "f1");
    await aJob(world, { idempotencyKey: "b" });
    const urgent = await aJob(world, { idempotencyKey: "c", priority: "critical", capabilities: ["linux"] });
    expect((await mustClaim(two, "f1")).job.id).toBe(urgent.id);
  });

  it("a claim goes by what the factory offers now, not by what it offered to its last claim", async () => {
    const world = aWorld(await open());
    await aFactory(world, "f1", { capabilities: ["linux"] });
    await aJob(world, { idempotencyKey: "a", capabilities: ["linux"] });
    await mustClaim(world, "f1");
    await aJob(world, { idempotencyKey: "b", capabilities: ["linux"] });
    const gpu = await aJob(world, { idempotencyKey: "c", capabilities: ["gpu"] });
    await aFactory(world, "f1", { capabilities: ["gpu"] });
    expect((await mustClaim(world, "f1")).job.id).toBe(gpu.id);
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({
      kind: "nothing",
      reason: "no_matching_capabilities",
    });
  });

  it("a claim reads no job that its factory can't take, however many are in front", async () => {
    const store = await open();
    const world = aWorld(store);
    for (let n = 0; n < 30; n++)
      await aJob(world, { idempotencyKey: `g${n}`, capabilities: ["gpu"], priority: "critical" });
    const job = await aJob(world, { idempotencyKey: "a", priority: "low" });
    await aFactory(world, "f1");
    const found: unknown[] = [];
    const watched = intercept(store, async (call, proceed) => {
      const answer = await proceed();
      if (call.method === "query") found.push(...(answer as { value: unknown[] }).value);
      return answer;
    });
    const two = aWorld(watched, { name: "two", clock: world.clock });
    expect((await mustClaim(two, "f1")).job.id).toBe(job.id);
    expect(found).toMatchObject([{ id: job.id }]);
  });

  it("are bounded: one more is refused, and those that are there go on", async () => {
    const world = aWorld(await open());
    const full = Object.fromEntries(
      Array.from({ length: LANES_MAX - 1 }, (_, n) => [`l${n}`, { capabilities: [`c${n}`] }]),
    );
    await world.fleet.lanes.create({ id: "lanes", productId: PRODUCT, schemaVersion: 1, lanes: full });
    expect(await submit(world.fleet, PRODUCT, content("last", ["linux"]))).toMatchObject({ kind: "created" });
    expect(await submit(world.fleet, PRODUCT, content("more", ["gpu"]))).toEqual({ kind: "too_many_lanes" });
    expect(await submit(world.fleet, PRODUCT, content("same", ["linux"]))).toMatchObject({ kind: "created" });
    expect(await submit(world.fleet, PRODUCT, content("none"))).toMatchObject({ kind: "created" });
    expect(await world.fleet.jobs.getByKey(PRODUCT, "more")).toBeUndefined();
    expect(await submitBatch(world.fleet, PRODUCT, [content("b1"), content("b2", ["gpu"])])).toMatchObject({
      kind: "refused",
      errors: [{ index: 1, refusal: { kind: "too_many_lanes" } }],
    });
  });

  it("are bounded in bytes, too: the document is read by each claim", async () => {
    const world = aWorld(await open());
    const long = (n: number) => Array.from({ length: 64 }, (_, c) => `${"x".repeat(58)}${n % 100}-${c}`);
    const kinds: string[] = [];
    for (let n = 0; n < 64; n++)
      kinds.push((await submit(world.fleet, PRODUCT, content(`j${n}`, long(n)))).kind);
    const accepted = kinds.filter((kind) => kind === "created").length;
    expect(accepted).toBeGreaterThan(50);
    expect(kinds.slice(accepted)).toEqual(kinds.slice(accepted).map(() => "too_many_lanes"));
    expect(accepted).toBeLessThan(64);
  });

  it("twenty submissions at once register twenty lanes", async () => {
    const world = aWorld(await open());
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => submit(world.fleet, PRODUCT, content(`j${n}`, [`c${n}`]))),
    );
    expect(Object.keys(await lanesOf(world))).toHaveLength(20);
  });

  it("one whose registration had no answer is looked for before the job is written", async () => {
    const store = await open();
    const unlucky = aWorld(loseAnswer(store, writes("fleet_lanes")));
    const submitted = await submit(unlucky.fleet, PRODUCT, content("a", ["linux"]));
    expect(submitted).toMatchObject({ kind: "created" });
    expect(Object.keys(await lanesOf(unlucky))).toHaveLength(1);
  });

  it("a submission whose lane can't be registered is not written, and says that nothing was", async () => {
    const store = await open();
    const throttled = aWorld(
      intercept(store, (call, proceed) =>
        writes("fleet_lanes")(call) ? Promise.reject(new StoreThrottled(1)) : proceed(),
      ),
    );
    await expect(submit(throttled.fleet, PRODUCT, content("a", ["linux"]))).rejects.toThrow(StoreThrottled);
    expect(await throttled.fleet.jobs.getByKey(PRODUCT, "a")).toBeUndefined();
  });

  it("cost a submission nothing once the instance knows them", async () => {
    const store = await open();
    const calls: string[] = [];
    const world = aWorld(
      intercept(store, (call: Call, proceed) => {
        calls.push(`${call.method} ${call.container}`);
        return proceed();
      }),
    );
    await submit(world.fleet, PRODUCT, content("a", ["linux"]));
    calls.length = 0;
    await submit(world.fleet, PRODUCT, content("b", ["linux"]));
    expect(calls).toEqual(["create fleet_jobs"]);
  });
});

onEachStore("jobs that an older version queued", (open) => {
  it("are put into their lane by the sweep", async () => {
    const world = aWorld(await open());
    const job = await anUnlanedJob(world, "a", ["linux"]);
    await reapAndSweep(world.fleet, startSweep(world.fleet));
    expect((await stored(world, job)).lane).toBe(laneOf({ capabilities: ["linux"] }));
    expect((await mustClaim(world, await aFactory(world, "f1", { capabilities: ["linux"] }))).job.id).toBe(
      job.id,
    );
  });
});

onEachStore("stats of lanes", (open) => {
  it("name what no fresh factory has, with how many jobs wait for it", async () => {
    const world = aWorld(await open());
    await aFactory(world, "silent", { capabilities: ["gpu"] });
    world.clock.advance(121);
    await aFactory(world, "f1", { capabilities: ["linux"], engines: ["claude"] });
    for (const key of ["a", "b"]) await aJob(world, { idempotencyKey: key, capabilities: ["gpu"] });
    await aJob(world, { idempotencyKey: "c", capabilities: ["linux"], engineClass: "codex" });
    await aJob(world, { idempotencyKey: "d", capabilities: ["linux"] });
    expect((await readStats(world.fleet, PRODUCT)).unserved).toEqual([
      { capabilities: ["gpu"], count: 2 },
      { capabilities: ["linux"], engineClass: "codex", count: 1 },
    ]);
    await aFactory(world, "f2", { capabilities: ["gpu"] });
    expect((await readStats(world.fleet, PRODUCT)).unserved).toHaveLength(1);
  });

  it("name jobs that ask for nothing, too, where there is no factory at all", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    expect((await readStats(world.fleet, PRODUCT)).unserved).toEqual([{ capabilities: [], count: 1 }]);
  });
});
