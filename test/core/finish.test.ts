/** What follows a job's write: bounded, repeatable, and never a reason to fail. */
import { describe, expect, it } from "vitest";
import { finishDirty, followUp } from "../../shared/core/finish.js";
import { patch } from "../../shared/core/patch.js";
import type { Store } from "../../shared/core/ports/store.js";
import type { Job } from "../../shared/schema/job.js";
import { crashAfter, intercept, writes } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const ship = { ...who, stage: "shipped" as const };

async function anOwnedJob(world: World) {
  const job = await aJob(world, { idempotencyKey: "a", priority: "critical" });
  await mustClaim(world, await aFactory(world, "f1"));
  return job;
}

/** Another instance, and the operations that it does. */
function watched(store: Store, world: World) {
  const calls: string[] = [];
  const two = aWorld(
    intercept(store, (call: Call, proceed) => {
      calls.push(`${call.method} ${call.container}`);
      return proceed();
    }),
    { name: "two", clock: world.clock },
  );
  return { two, calls };
}

/** A job that shipped, whose process died before anything else. */
async function aDirtyJob(store: Store, world: World) {
  const job = await anOwnedJob(world);
  const dying = aWorld(crashAfter(store, writes("fleet_jobs")), { name: "doomed", clock: world.clock });
  await patch(dying.fleet, PRODUCT, job.id, ship).catch(() => undefined);
  const read = await world.fleet.jobs.get(PRODUCT, job.id);
  if (read?.doc.dirty === undefined) throw new Error("not dirty");
  return read;
}

describe("following up", () => {
  const world = () => aWorld({} as never);

  it("goes on for two seconds, and begins nothing after that", async () => {
    const { fleet, clock } = world();
    const done: number[] = [];
    const step = (n: number, seconds: number) => () => {
      done.push(n);
      clock.advance(seconds);
      return Promise.resolve();
    };
    await followUp(fleet, [step(1, 1), step(2, 1), step(3, 0.001), step(4, 0)]);
    expect(done).toEqual([1, 2, 3]);
  });

  it("tells each step until when it may take", async () => {
    const { fleet, clock } = world();
    const until: number[] = [];
    await followUp(fleet, [(untilMs) => Promise.resolve(until.push(untilMs))]);
    expect(until).toEqual([clock.now() + 2000]);
  });

  it("ends at a step that fails, says so in the log, and fails nobody", async () => {
    const { fleet, log } = world();
    let after = false;
    await followUp(fleet, [
      () => Promise.reject(new Error("trouble")),
      () => Promise.resolve((after = true)),
    ]);
    expect(after).toBe(false);
    expect(log).toEqual(["left to the sweep: trouble"]);
  });
});

onEachStore("after the end of a job", (open) => {
  it("a repeated report of it has nothing left to do", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    await patch(world.fleet, PRODUCT, job.id, ship);
    const { two, calls } = watched(store, world);
    await patch(two.fleet, PRODUCT, job.id, ship);
    expect(calls).toEqual(["read fleet_jobs"]);
  });

  it("its run is closed at once, though it has more dependants than a request wakes", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    for (let n = 0; n < 21; n++) await aJob(world, { idempotencyKey: `d${n}`, deps: [job.id] });
    await patch(world.fleet, PRODUCT, job.id, ship);
    expect(await stored(world, job)).toMatchObject({ stage: "shipped", dirty: true });
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc.endedAt).toBeDefined();
  });

  it("it is clean when a request woke all that depend on it, to the last one that it may", async () => {
    const world = aWorld(await open());
    const job = await anOwnedJob(world);
    for (let n = 0; n < 19; n++) await aJob(world, { idempotencyKey: `d${n}`, deps: [job.id] });
    await patch(world.fleet, PRODUCT, job.id, ship);
    expect((await stored(world, job)).dirty).toBeUndefined();
    expect(await world.fleet.jobs.countByStage(PRODUCT, "queued")).toBe(19);
  });

  it("the sweep finishes it once: a second one, which saw it dirty too, writes nothing", async () => {
    const store = await open();
    const world = aWorld(store);
    const read = await aDirtyJob(store, world);
    await finishDirty(world.fleet, read, Infinity);
    const clean = await world.fleet.jobs.get(PRODUCT, read.doc.id);
    expect(clean?.doc.dirty).toBeUndefined();
    await finishDirty(world.fleet, read, Infinity);
    expect(await world.fleet.jobs.get(PRODUCT, read.doc.id)).toEqual(clean);
  });

  it("the sweep asks nothing about a job that is clean", async () => {
    const store = await open();
    const world = aWorld(store);
    const read = await aDirtyJob(store, world);
    await finishDirty(world.fleet, read, Infinity);
    const clean = await world.fleet.jobs.get(PRODUCT, read.doc.id);
    if (clean === undefined) throw new Error("not found");
    const { two, calls } = watched(store, world);
    await finishDirty(two.fleet, clean, Infinity);
    expect(calls).toEqual([]);
  });

  it.each<[string, (job: Job) => Partial<Job>]>([
    ["has had another event since", (job) => ({ eventSeq: job.eventSeq + 1 })],
    ["is open again", () => ({ stage: "queued" })],
  ])("the mark stays on a job that %s: its end is no longer what was finished", async (_what, given) => {
    const store = await open();
    const world = aWorld(store);
    const read = await aDirtyJob(store, world);
    await world.fleet.jobs.replaceIfMatch(read, { ...read.doc, ...given(read.doc) });
    const changed = await world.fleet.jobs.get(PRODUCT, read.doc.id);
    await finishDirty(world.fleet, read, Infinity);
    expect(await world.fleet.jobs.get(PRODUCT, read.doc.id)).toEqual(changed);
  });
});

onEachStore("a move on the way", (open) => {
  it("to building looks for no dependants: nobody waits for that", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await anOwnedJob(world);
    await aJob(world, { idempotencyKey: "soft", deps: [job.id], depsMode: "soft" });
    const { two, calls } = watched(store, world);
    await patch(two.fleet, PRODUCT, job.id, { ...who, stage: "building" });
    expect(calls.filter((call) => call.startsWith("query"))).toEqual([]);
  });
});
