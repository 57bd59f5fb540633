import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { readEvents } from "../../shared/core/read-events.js";
import { StoreThrottled } from "../../shared/core/ports/store.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { withWhatTheJobKnows } from "../../shared/core/run-history.js";
import { OUTBOX_MAX } from "../../shared/schema/limits.js";
import type { Job } from "../../shared/schema/job.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

async function everything(world: World, job: Job, page = 200) {
  const events = [];
  for (let after = 0, more = true; more; after = events.at(-1)?.seq ?? after) {
    const next = await readEvents(world.fleet, await stored(world, job), after, page);
    events.push(...next.value);
    more = next.more;
  }
  return events;
}

/** Lost once, released once, then shipped. */
async function aLife(world: World): Promise<Job> {
  const job = await aJob(world, { idempotencyKey: "a" });
  await mustClaim(world, await aFactory(world, "f1"));
  await patch(world.fleet, PRODUCT, job.id, {
    factoryId: "f1",
    leaseEpoch: 1,
    stage: "building",
    insights: { turns: 3 },
  });
  world.clock.advance(1000);
  await reap(world.fleet, PRODUCT, job.id);
  await mustClaim(world, await aFactory(world, "f2"));
  await release(world.fleet, PRODUCT, job.id, { factoryId: "f2", leaseEpoch: 3 });
  await mustClaim(world, "f2");
  await patch(world.fleet, PRODUCT, job.id, { factoryId: "f2", leaseEpoch: 4, stage: "shipped", exit: 0 });
  return stored(world, job);
}

onEachStore("events", (open) => {
  it("tell a job's whole life in order, without a gap", async () => {
    const world = aWorld(await open());
    const events = await everything(world, await aLife(world));
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(events.map(({ type }) => type)).toEqual([
      "submitted",
      "claimed",
      "stage_changed",
      "expired",
      "claimed",
      "released",
      "claimed",
      "shipped",
    ]);
    expect(events.map(({ actor }) => actor)).toEqual([
      undefined,
      "f1",
      "f1",
      undefined,
      "f2",
      "f2",
      "f2",
      "f2",
    ]);
  });

  it("fold to the job's stage, epoch, holder and attempt: each begins where the one before it ended", async () => {
    const world = aWorld(await open());
    const job = await aLife(world);
    const events = await everything(world, job);
    for (const [place, { data }] of events.entries())
      expect(data["from"]).toBe(events[place - 1]?.data["to"]);
    expect(events.map(({ data }) => data["leaseEpoch"])).toEqual([0, 1, 1, 2, 3, 3, 4, 4]);
    expect(events.map(({ data }) => data["attempt"])).toEqual([0, 1, 1, 1, 2, 1, 2, 2]);
    expect(events.at(-1)?.data).toMatchObject({
      to: job.stage,
      leaseEpoch: 4,
      holderFactoryId: "f2",
      attempt: 2,
    });
  });

  it("come page by page, each once", async () => {
    const world = aWorld(await open());
    const job = await aLife(world);
    expect(await everything(world, job, 3)).toEqual(await everything(world, job));
  });

  it("are visible as soon as they are true, before anybody stored them", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    expect((await world.fleet.events.list(job.id, 10)).value).toEqual([]);
    expect(await everything(world, job)).toMatchObject([{ seq: 1, type: "submitted" }]);
  });

  it("never pile up in the job document, however often it is claimed and released", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    for (let epoch = 1; epoch <= 30; epoch++) {
      await mustClaim(world, "f1");
      await release(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: epoch });
      expect((await stored(world, job)).outbox.length).toBeLessThanOrEqual(OUTBOX_MAX);
    }
    expect(await everything(world, job)).toHaveLength(61);
  });
});

onEachStore("runs", (open) => {
  it("are one for each claim, each closed with what it used", async () => {
    const world = aWorld(await open());
    const job = await aLife(world);
    const runs = withWhatTheJobKnows((await world.fleet.runs.list(job.id, 10)).value, job);
    expect(runs).toMatchObject([
      { leaseEpoch: 1, attempt: 1, factoryId: "f1", insights: { turns: 3 } },
      { leaseEpoch: 3, attempt: 2, factoryId: "f2", insights: {} },
      { leaseEpoch: 4, attempt: 2, factoryId: "f2", exit: 0 },
    ]);
    for (const run of runs) expect(run.endedAt).toBeDefined();
  });

  it("are kept though they could not be stored when they ended: the event that goes takes its run along", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const noRuns = aWorld(
      intercept(store, (call, proceed) =>
        call.container === "fleet_runs" ? Promise.reject(new StoreThrottled(1)) : proceed(),
      ),
      { name: "two", clock: world.clock },
    );
    await mustClaim(noRuns, "f1");
    await release(noRuns.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    await mustClaim(noRuns, "f1");
    const late = { factoryId: "f1", leaseEpoch: 2, stage: "building" as const };
    await expect(patch(noRuns.fleet, PRODUCT, job.id, late)).rejects.toThrow(StoreThrottled);
    await patch(world.fleet, PRODUCT, job.id, late);
    await patch(world.fleet, PRODUCT, job.id, { ...late, stage: "shipped" });
    expect((await world.fleet.runs.list(job.id, 10)).value).toMatchObject([
      { leaseEpoch: 1, factoryId: "f1" },
      { leaseEpoch: 2, factoryId: "f1" },
    ]);
  });

  it("show what an open one has used so far", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, {
      factoryId: "f1",
      leaseEpoch: 1,
      insights: { costUsd: 1.25 },
    });
    const known = withWhatTheJobKnows(
      (await world.fleet.runs.list(job.id, 10)).value,
      await stored(world, job),
    );
    expect(known).toMatchObject([{ leaseEpoch: 1, insights: { costUsd: 1.25 } }]);
    expect(known[0]?.endedAt).toBeUndefined();
  });
});
