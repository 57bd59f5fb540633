import { expect, it } from "vitest";
import { addArtifact } from "../../shared/core/add-artifact.js";
import { bulk } from "../../shared/core/bulk.js";
import { claim } from "../../shared/core/claim.js";
import { listArtifacts } from "../../shared/core/list-artifacts.js";
import { patch } from "../../shared/core/patch.js";
import type { Store } from "../../shared/core/ports/store.js";
import { readEvents } from "../../shared/core/read-events.js";
import { redrive } from "../../shared/core/redrive.js";
import { readStats } from "../../shared/core/stats.js";
import { submit } from "../../shared/core/submit.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { isTombstone } from "../../shared/core/tombstone.js";
import type { Job } from "../../shared/schema/job.js";
import { omit } from "../../shared/schema/omit.js";
import { bulkRequest, submission } from "../../shared/schema/requests.js";
import { SimBlobs } from "../simulation/sim-blobs.js";
import { crashAfter, intercept, writes } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const DAY = 86_400;
const DAYS = 30;
const blobs = new SimBlobs();
const retaining = (store: Store, given: object = {}): World =>
  aWorld(store, { retentionDays: DAYS, blobs: blobs.port(), ...given });
const sweep = (world: World) => reapAndSweep(world.fleet, startSweep(world.fleet));
const deletes =
  (container: string) =>
  (call: Call): boolean =>
    call.method === "deleteIfMatch" && call.container === container;

/** A job that was superseded once, and has shipped with a result. */
async function aShippedJob(world: World, idempotencyKey = "a"): Promise<Job> {
  await aJob(world, { idempotencyKey, bodyMd: "first thoughts" });
  const job = await aJob(world, { idempotencyKey, manifestSnapshot: { files: 3 } });
  await mustClaim(world, await aFactory(world, "f1"));
  const who = { factoryId: "f1", leaseEpoch: 1 };
  const log = { ...who, name: "log", contentType: "text/plain" };
  await addArtifact(world.fleet, PRODUCT, job.id, log);
  const report = { checkpoint: { wipCommit: "c1" }, result: { pr: 7 }, exit: 0, insights: { turns: 3 } };
  const ship = { factoryId: "f1", leaseEpoch: 1, stage: "shipped" as const, ...report };
  await patch(world.fleet, PRODUCT, job.id, ship);
  return stored(world, job);
}

/** How much of a job's history is stored. */
async function history({ fleet }: World, { id }: Job): Promise<number[]> {
  const [events, runs, artifacts] = await Promise.all([
    fleet.events.list(id, 100),
    fleet.runs.list(id, 100),
    fleet.artifacts.list(id, 100),
  ]);
  const lease = await fleet.leases.get(id, id);
  return [events.value.length, runs.value.length, artifacts.value.length, lease === undefined ? 0 : 1];
}

onEachStore("retention", (open) => {
  it("leaves a tombstone of a job that ended long ago: how it ended stays, what was asked for and its history go", async () => {
    const world = retaining(await open());
    const job = await aShippedJob(world);
    expect(await history(world, job)).toEqual([5, 1, 1, 1]);
    const log = { productId: PRODUCT, jobId: job.id, leaseEpoch: 1, name: "log" };
    blobs.upload(log, "it works");
    world.clock.advance(DAYS * DAY + 1);
    expect(await sweep(world)).toEqual({ reaped: 0, failed: 0, retired: 1 });
    const left = await stored(world, job);
    const kept = omit(job, "manifestSnapshot", "run");
    expect(left).toEqual({ ...kept, bodyMd: "", recentOps: left.recentOps, tombstone: true });
    expect(left.recentOps.every(({ once }) => once)).toBe(true);
    expect(isTombstone(left)).toBe(true);
    expect(await history(world, job)).toEqual([0, 0, 0, 0]);
    expect(blobs.text(log)).toBeUndefined();
    expect((await listArtifacts(world.fleet, left, 10)).value).toEqual([]);
    expect(await sweep(world)).toEqual({ reaped: 0, failed: 0, retired: 0 });
  });

  it("leaves alone what is not due, is open, or has left something to do", async () => {
    const store = await open();
    const world = retaining(store);
    const open30 = await aJob(world, { idempotencyKey: "open", priority: "low" });
    const old = await aShippedJob(world, "old");
    const dirty = await aJob(world, { idempotencyKey: "dirty" });
    await mustClaim(world, "f1");
    const doomed = aWorld(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock });
    const failed = { factoryId: "f1", leaseEpoch: 1, stage: "failed" as const };
    await patch(doomed.fleet, PRODUCT, dirty.id, failed).catch(() => undefined);
    world.clock.advance(DAYS * DAY - 10);
    const young = await aShippedJob(world, "young");
    // The sweep can't finish the one that is dirty: its run can't be read.
    const troubled = retaining(
      intercept(store, (call, proceed) =>
        call.container === "fleet_runs" && call.method === "read"
          ? Promise.reject(new Error("no"))
          : proceed(),
      ),
      { name: "two", clock: world.clock },
    );
    await sweep(world);
    expect(isTombstone(await stored(world, old))).toBe(false);
    world.clock.advance(20);
    await sweep(troubled);
    for (const job of [open30, young]) {
      expect(isTombstone(await stored(world, job))).toBe(false);
      expect((await readEvents(world.fleet, await stored(world, job), 0, 10)).value).not.toEqual([]);
    }
    await sweep(world);
    expect(isTombstone(await stored(world, old))).toBe(true);
    expect(isTombstone(await stored(world, open30))).toBe(false);
    expect(isTombstone(await stored(world, young))).toBe(false);
  });

  it("never comes when it is off, however old a job is", async () => {
    const world = retaining(await open(), { retentionDays: 0 });
    const job = await aShippedJob(world);
    world.clock.advance(3650 * DAY);
    expect(await sweep(world)).toMatchObject({ retired: 0 });
    expect(await history(world, job)).toEqual([5, 1, 1, 1]);
  });

  it("answers a key that is submitted again truthfully, for ever", async () => {
    const world = retaining(await open());
    const job = await aShippedJob(world);
    world.clock.advance(31 * DAY);
    await sweep(world);
    const again = (given: object) =>
      submit(world.fleet, PRODUCT, submission.parse({ idempotencyKey: "a", bodyMd: "Build it.", ...given }));
    const existing = await again({ manifestSnapshot: { files: 3 } });
    expect(existing).toMatchObject({
      kind: "existing",
      job: { id: job.id, tombstone: true, result: { pr: 7 } },
    });
    expect(await again({ bodyMd: "first thoughts" })).toMatchObject({ kind: "outdated" });
    expect(await again({ bodyMd: "other" })).toMatchObject({
      kind: "idempotency_conflict",
      stage: "shipped",
    });
    expect(await history(world, job)).toEqual([0, 0, 0, 0]);
  });

  it("still fences the former holder, repeats its end to it, and satisfies dependants", async () => {
    const world = retaining(await open());
    const job = await aShippedJob(world);
    world.clock.advance(31 * DAY);
    await sweep(world);
    const who = { factoryId: "f1", leaseEpoch: 1 };
    const late = await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building" });
    expect(late).toMatchObject({ kind: "lease_not_held", stage: "shipped" });
    expect(await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "shipped" })).toMatchObject({
      kind: "patched",
    });
    const dependant = await aJob(world, { idempotencyKey: "b", deps: [job.id] });
    expect(dependant.stage).toBe("queued");
    await aFactory(world, "f1");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({
      job: { id: dependant.id },
    });
    expect((await stored(world, job)).tombstone).toBe(true);
  });

  it("is final: a tombstone of a failed job can't be redriven, one by one or in bulk", async () => {
    const world = retaining(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1, stage: "failed" });
    world.clock.advance(31 * DAY);
    await sweep(world);
    expect(await redrive(world.fleet, PRODUCT, job.id, {})).toMatchObject({ kind: "illegal_transition" });
    const request = bulkRequest.parse({ action: "redrive", filter: {}, dryRun: false });
    expect(await bulk(world.fleet, PRODUCT, request, undefined)).toMatchObject({ matched: 0, changed: 0 });
    expect(await stored(world, job)).toMatchObject({ stage: "failed", tombstone: true });
  });

  it("shows no events of a tombstone, from the moment that it is one", async () => {
    const store = await open();
    const world = retaining(store);
    const job = await aShippedJob(world);
    world.clock.advance(31 * DAY);
    const doomed = retaining(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock });
    await sweep(doomed).catch(() => undefined);
    const left = await stored(world, job);
    expect(left).toMatchObject({ tombstone: true, dirty: true });
    expect(await history(world, job)).toEqual([5, 1, 1, 1]);
    for (const after of [0, 2, 99])
      expect(await readEvents(world.fleet, left, after, 10)).toEqual({ value: [], more: false });
  });

  it.each([
    ["it had made the tombstone", writes("fleet_jobs")],
    ["the first artifact had gone", deletes("fleet_artifacts")],
    ["the first event had gone", deletes("fleet_events")],
    ["the run had gone", deletes("fleet_runs")],
    ["the lease had gone", deletes("fleet_leases")],
  ])("is finished by the next sweep when the process died after %s", async (_when, matches) => {
    const store = await open();
    const world = retaining(store);
    const job = await aShippedJob(world);
    world.clock.advance(31 * DAY);
    const doomed = retaining(crashAfter(store, matches), { name: "doomed", clock: world.clock });
    await sweep(doomed).catch(() => undefined);
    await sweep(world);
    expect(await history(world, job)).toEqual([0, 0, 0, 0]);
    expect((await stored(world, job)).dirty).toBeUndefined();
    expect((await readStats(world.fleet, PRODUCT)).engines).toMatchObject([
      { runs: 1, insights: { turns: 3 } },
    ]);
  });

  it("takes a long history over several ticks, and never more than its time in one", async () => {
    const store = await open();
    const world = retaining(store);
    const job = await aShippedJob(world);
    world.clock.advance(31 * DAY);
    const slow = retaining(
      intercept(store, (call, proceed) => {
        if (call.method === "deleteIfMatch") world.clock.advance(4);
        return proceed();
      }),
      { name: "two", clock: world.clock },
    );
    await sweep(slow);
    expect((await stored(world, job)).dirty).toBe(true);
    const ticks = startSweep(slow.fleet);
    for (let tick = 0; tick < 4; tick++) await reapAndSweep(slow.fleet, ticks);
    expect(await history(world, job)).toEqual([0, 0, 0, 0]);
    expect((await stored(world, job)).dirty).toBeUndefined();
  });

  it("takes away a run that somebody stores after it, and does not count it again", async () => {
    const world = retaining(await open());
    const job = await aShippedJob(world);
    const runs = (await world.fleet.runs.list(job.id, 10)).value;
    const [run] = runs;
    if (run === undefined) throw new Error("no run");
    world.clock.advance(31 * DAY);
    await sweep(world);
    const opened = omit(run, "counted", "endedAt");
    await world.fleet.runs.create({ ...opened, endedAt: run.startedAt, uncounted: true });
    await world.fleet.runs.create({ ...opened, id: `${job.id}:2`, leaseEpoch: 2 });
    await sweep(world);
    expect(await history(world, job)).toEqual([0, 0, 0, 0]);
    expect((await readStats(world.fleet, PRODUCT)).engines).toMatchObject([
      { runs: 1, insights: { turns: 3 } },
    ]);
  });
});
