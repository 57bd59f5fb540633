/** What a report changes, what its event says, and what the worker is told. */
import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const ship = { ...who, stage: "shipped" as const };
const goOn = { action: "continue" };

async function anOwnedJob(world: World) {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "f1"));
  return job;
}

onEachStore("a report", (open) => {
  it.each([
    [
      "of a checkpoint",
      { checkpoint: { wipCommit: "1" } },
      "checkpointed",
      { checkpoint: { wipCommit: "1" } },
    ],
    ["of a stage", { stage: "building" as const }, "stage_changed", {}],
    ["of the end", { stage: "shipped" as const, exit: 0 }, "shipped", { exit: 0 }],
    ["of a failure", { stage: "failed" as const }, "failed", { failure: { kind: "error" } }],
  ])("%s is told by an event of its own kind", async (_what, report, type, data) => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    expect(await patch(world.fleet, PRODUCT, job.id, { ...who, ...report })).toMatchObject({
      kind: "patched",
      directive: goOn,
    });
    const { outbox, eventSeq } = await stored(world, job);
    const events = [...(await world.fleet.events.list(job.id, 10)).value, ...outbox];
    expect(eventSeq).toBe(3);
    expect(events.at(-1)).toMatchObject({ type, actor: "f1", data });
    if (type !== "failed") expect(await stored(world, job)).not.toHaveProperty("failure");
  });

  it("of totals only is no event, and one without news is not even a write", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, { ...who, insights: { turns: 1 } });
    expect(await stored(world, job)).toMatchObject({ eventSeq: 2, run: { insights: { turns: 1 } } });
    const before = await world.fleet.jobs.get(PRODUCT, job.id);
    await patch(world.fleet, PRODUCT, job.id, { ...who, insights: { turns: 1 } });
    await patch(world.fleet, PRODUCT, job.id, who);
    expect(await world.fleet.jobs.get(PRODUCT, job.id)).toEqual(before);
  });

  it("that changes nothing is remembered all the same, if it has a key", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, who, "key-1");
    expect(await patch(world.fleet, PRODUCT, job.id, who, "key-1")).toMatchObject({ kind: "patched" });
    expect(await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building" }, "key-1")).toEqual({
      kind: "idempotency_conflict",
      jobId: job.id,
      stage: "assigned",
    });
  });

  it("in a final job leaves no grace behind: its claim is long done", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    expect(await stored(world, job)).toHaveProperty("graceUntil");
    await patch(world.fleet, PRODUCT, job.id, ship);
    expect(await stored(world, job)).not.toHaveProperty("graceUntil");
  });

  it("repeated under its key, or with nothing new, judges no dependants again", async () => {
    const store = await open();
    let queries = 0;
    const world = aWorld(
      intercept(store, (call, proceed) => {
        if (call.method === "query" && call.container === "fleet_jobs") queries++;
        return proceed();
      }),
    );
    const job = await anOwnedJob(world);
    const test = { ...who, stage: "testing" as const };
    await patch(world.fleet, PRODUCT, job.id, test, "key-1");
    queries = 0;
    await patch(world.fleet, PRODUCT, job.id, test, "key-1");
    await patch(world.fleet, PRODUCT, job.id, test);
    expect(queries).toBe(0);
  });
});

onEachStore("the end of a job, reported again", (open) => {
  it("by its own holder is accepted, also without what it brought the first time", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    const first = await patch(world.fleet, PRODUCT, job.id, { ...ship, result: { pr: 7 }, exit: 0 });
    expect(first).toMatchObject({ kind: "patched", directive: goOn });
    const before = await world.fleet.jobs.get(PRODUCT, job.id);
    expect(await patch(world.fleet, PRODUCT, job.id, ship)).toMatchObject({
      kind: "patched",
      job: { stage: "shipped", result: { pr: 7 } },
      directive: goOn,
    });
    expect(await world.fleet.jobs.get(PRODUCT, job.id)).toEqual(before);
  });

  it.each([
    ["by another factory", { ...ship, factoryId: "f2" }, "lease_not_held"],
    ["at another epoch", { ...ship, leaseEpoch: 2 }, "stale_lease"],
    ["with a result that it did not have", { ...ship, result: "new" }, "lease_not_held"],
  ])("%s is refused", async (_what, again, kind) => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, ship);
    const before = await stored(world, job);
    expect(await patch(world.fleet, PRODUCT, job.id, again)).toMatchObject({
      kind,
      stage: "shipped",
      directive: { action: "stop" },
    });
    expect(await stored(world, job)).toEqual(before);
  });
});
