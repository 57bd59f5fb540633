import { expect, it } from "vitest";
import { countRuns } from "../../shared/core/count-runs.js";
import { patch } from "../../shared/core/patch.js";
import { StoreThrottled } from "../../shared/core/ports/store.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { readStats } from "../../shared/core/stats.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import type { Insights } from "../../shared/schema/insights.js";
import type { Job } from "../../shared/schema/job.js";
import { crashAfter, intercept, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

const engines = async (world: World, productId = PRODUCT) =>
  (await readStats(world.fleet, productId)).engines;
const sweep = (world: World) => reapAndSweep(world.fleet, startSweep(world.fleet));
const report = (
  world: World,
  job: Job,
  leaseEpoch: number,
  insights: Insights,
  stage?: "shipped" | "failed",
) => patch(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch, insights, ...(stage && { stage }) });
const NO_WASTE = { runs: 0, insights: {} };

/** A job that f1, whose engine is claude, has just claimed. */
async function held(world: World, idempotencyKey: string, engine = "claude"): Promise<Job> {
  const job = await aJob(world, { idempotencyKey });
  await aFactory(world, "f1", { engines: [engine], seatLimit: 1000 });
  await mustClaim(world, "f1");
  return job;
}

/** A run that f1 shipped with 3 turns, whose process died at this operation, or in the sweep after it. */
async function shippedBy(world: World, store: Parameters<typeof aWorld>[0]): Promise<Job> {
  const job = await held(world, "a");
  await report(world, job, 1, { turns: 3 });
  const doomed = aWorld(store, { name: "doomed", clock: world.clock });
  await report(doomed, job, 1, { turns: 3 }, "shipped").catch(() => undefined);
  await sweep(doomed).catch(() => undefined);
  return job;
}

onEachStore("what runs used", (open) => {
  it("is summed up by engine as soon as a job has shipped, in its own product alone", async () => {
    const world = aWorld(await open());
    expect(await engines(world)).toEqual([]);
    await report(world, await held(world, "a"), 1, { tokensIn: 10, costUsd: 0.1, model: "m" }, "shipped");
    await report(world, await held(world, "b"), 1, { tokensIn: 5, costUsd: 0.2, estimated: true }, "shipped");
    await report(world, await held(world, "c", "codex"), 1, { turns: 2 }, "shipped");
    expect(await engines(world)).toEqual([
      { engine: "claude", runs: 2, insights: { tokensIn: 15, costUsd: 0.3 }, superseded: NO_WASTE },
      { engine: "codex", runs: 1, insights: { turns: 2 }, superseded: NO_WASTE },
    ]);
    expect(await engines(world, "umbrella")).toEqual([]);
  });

  it("has an entry without an engine, for factories that named none", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await report(world, job, 1, { turns: 2 }, "shipped");
    expect(await engines(world)).toEqual([{ runs: 1, insights: { turns: 2 }, superseded: NO_WASTE }]);
  });

  it("counts however a run ends: released, expired, failed or shipped", async () => {
    const world = aWorld(await open());
    const job = await held(world, "a");
    await report(world, job, 1, { turns: 1 });
    await release(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    expect(await engines(world)).toMatchObject([{ runs: 1, insights: { turns: 1 } }]);
    await mustClaim(world, "f1");
    await report(world, job, 2, { turns: 10 });
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    expect(await engines(world)).toMatchObject([{ runs: 2, insights: { turns: 11 } }]);
    await aFactory(world, "f1", { engines: ["claude"] });
    await mustClaim(world, "f1");
    // What is under way is not in it: a run counts when it has ended.
    await report(world, job, 4, { turns: 100 });
    expect(await engines(world)).toMatchObject([{ runs: 2 }]);
    await report(world, job, 4, { turns: 100 }, "failed");
    expect(await engines(world)).toMatchObject([{ runs: 3, insights: { turns: 111 } }]);
    await report(world, await held(world, "b"), 1, { turns: 1000 }, "shipped");
    expect(await engines(world)).toMatchObject([{ runs: 4, insights: { turns: 1111 } }]);
  });

  it("is not counted twice, however often a run is counted", async () => {
    const world = aWorld(await open());
    const job = await held(world, "a");
    await report(world, job, 1, { turns: 3 }, "shipped");
    const run = { id: `${job.id}:1`, jobId: job.id, productId: PRODUCT, engine: "claude" };
    for (let n = 0; n < 3; n++) {
      expect(await countRuns(world.fleet, [run])).toBe(true);
      await sweep(world);
    }
    await Promise.all(Array.from({ length: 8 }, () => countRuns(world.fleet, [run])));
    expect(await engines(world)).toMatchObject([{ runs: 1, insights: { turns: 3 } }]);
  });

  it.each([
    ["the run was closed", "fleet_runs", 1],
    ["the totals had it", "fleet_totals", 1],
    ["the run said so", "fleet_runs", 2],
  ])("is counted once by the sweep when the process died after %s", async (_when, container, nth) => {
    const store = await open();
    const world = aWorld(store);
    await shippedBy(world, crashAfter(store, writes(container, nth)));
    await sweep(world);
    await sweep(world);
    expect(await engines(world)).toMatchObject([{ runs: 1, insights: { turns: 3 } }]);
  });

  it("is counted once when the answer of the totals' write was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    await shippedBy(world, loseAnswer(store, writes("fleet_totals")));
    await sweep(world);
    expect(await engines(world)).toMatchObject([{ runs: 1, insights: { turns: 3 } }]);
  });

  it("grows by the difference when a worker that lost the job reports late, and is told as waste", async () => {
    const world = aWorld(await open());
    const job = await held(world, "a");
    await report(world, job, 1, { turns: 3, costUsd: 0.1 });
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    const late = await report(world, job, 1, { turns: 5, costUsd: 0.1, toolCalls: 7 });
    expect(late).toMatchObject({ kind: "stale_lease" });
    const [told] = await engines(world);
    expect(told).toEqual({
      engine: "claude",
      runs: 1,
      insights: { turns: 5, costUsd: 0.1, toolCalls: 7 },
      superseded: { runs: 1, insights: { turns: 5, costUsd: 0.1, toolCalls: 7 } },
    });
    const run = await world.fleet.runs.get(job.id, `${job.id}:1`);
    expect(run?.doc.uncounted).toBeUndefined();
  });

  it("does not drift: a hundred times ten cents are ten dollars", async () => {
    const world = aWorld(await open());
    const runs = Array.from({ length: 100 }, (_, n) => aRun(n, { costUsd: 0.1 }));
    for (const run of runs) await world.fleet.runs.create(run);
    for (const { jobId } of runs) await aJobDocument(world, jobId);
    for (const run of runs.slice(0, 3)) await countRuns(world.fleet, [run]);
    await countRuns(world.fleet, runs);
    expect(await engines(world)).toMatchObject([{ runs: 100, insights: { costUsd: 10 } }]);
  });

  it("of many runs is counted by the sweep in few writes, and what is settled does not pile up", async () => {
    const store = await open();
    let written = 0;
    const counting = intercept(store, (call, proceed) => {
      if (writes("fleet_totals")(call)) written++;
      return proceed();
    });
    const world = aWorld(counting);
    for (let n = 0; n < 60; n++) {
      await world.fleet.runs.create(aRun(n, { turns: 1 }));
      await aJobDocument(world, `j${n}`);
    }
    await sweep(world);
    expect(written).toBe(2);
    await world.fleet.runs.create(aRun(60, { turns: 1 }));
    await aJobDocument(world, "j60");
    await sweep(world);
    expect(await engines(world)).toMatchObject([{ runs: 61, insights: { turns: 61 } }]);
    const totals = await world.fleet.totals.get(PRODUCT, "none");
    expect(Object.keys(totals?.doc.pending ?? {}).length).toBeLessThan(20);
  });

  it("of twenty jobs that ship at once is complete after a pass of the sweep", async () => {
    const world = aWorld(await open());
    const jobs: Job[] = [];
    for (let n = 0; n < 20; n++) jobs.push(await held(world, `j${n}`));
    await Promise.all(jobs.map((job) => report(world, job, 1, { turns: 1 }, "shipped")));
    await sweep(world);
    expect(await engines(world)).toMatchObject([{ runs: 20, insights: { turns: 20 } }]);
  });

  it("of one engine is counted by the sweep though that of another can't be", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await held(world, "a");
    const other = await held(world, "b", "codex");
    const noTotals = aWorld(
      intercept(store, (call, proceed) =>
        call.container === "fleet_totals" && (call.method === "read" || call.doc["engine"] === "codex")
          ? Promise.reject(new StoreThrottled(1))
          : proceed(),
      ),
      { name: "two", clock: world.clock },
    );
    await report(noTotals, job, 1, { turns: 3 }, "shipped");
    await report(noTotals, other, 1, { turns: 4 }, "shipped");
    const noCodex = aWorld(
      intercept(store, (call, proceed) =>
        call.container === "fleet_totals" && call.doc["engine"] === "codex"
          ? Promise.reject(new StoreThrottled(1))
          : proceed(),
      ),
      { name: "three", clock: world.clock },
    );
    expect((await sweep(noCodex)).failed).toBe(1);
    expect(await engines(world)).toMatchObject([{ engine: "claude", insights: { turns: 3 } }]);
  });

  it("never fails the report that ends a run: it is left to the sweep", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await held(world, "a");
    const troubled = aWorld(
      intercept(store, (call, proceed) =>
        call.container === "fleet_totals" ? Promise.reject(new StoreThrottled(1)) : proceed(),
      ),
      { name: "two", clock: world.clock },
    );
    expect(await report(troubled, job, 1, { turns: 3 }, "shipped")).toMatchObject({ kind: "patched" });
    expect((await sweep(troubled)).failed).toBe(1);
    expect(await engines(world)).toEqual([]);
    expect((await sweep(world)).failed).toBe(0);
    expect(await engines(world)).toMatchObject([{ runs: 1, insights: { turns: 3 } }]);
  });
});

function aRun(n: number, insights: Insights) {
  const at = "2026-01-15T12:00:00.000Z";
  const base = { productId: PRODUCT, schemaVersion: 1, attempt: 1, leaseEpoch: 1, factoryId: "f1" };
  const jobId = `j${n}`;
  return { ...base, id: `${jobId}:1`, jobId, startedAt: at, endedAt: at, insights, uncounted: true as const };
}

/** A job's document under an id of the test's own, for runs that were made by hand. */
async function aJobDocument(world: World, id: string): Promise<void> {
  const job = await aJob(world, { idempotencyKey: `of-${id}` });
  await world.fleet.jobs.create({ ...job, id, idempotencyKey: `under-${id}` });
}
