import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { release } from "../../shared/core/release.js";
import { submit } from "../../shared/core/submit.js";
import { submission } from "../../shared/schema/requests.js";
import type { Stage } from "../../shared/schema/stages.js";
import { justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

/** Claims the only job that can be claimed, and moves it to `stage`. */
async function work(world: World, stage: Stage): Promise<void> {
  await aFactory(world, "worker", { seatLimit: 100 });
  const { job, lease } = await mustClaim(world, "worker");
  const who = { factoryId: "worker", leaseEpoch: lease.leaseEpoch };
  await patch(world.fleet, PRODUCT, job.id, { ...who, stage });
}

const again = (world: World, idempotencyKey: string, deps: string[], bodyMd = "other") =>
  submit(world.fleet, PRODUCT, submission.parse({ idempotencyKey, bodyMd, deps }));

onEachStore("dependencies", (open) => {
  it("block a job until each of them has shipped, and name what is missing", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a", priority: "critical" });
    const b = await aJob(world, { idempotencyKey: "b" });
    const c = await aJob(world, { idempotencyKey: "c", deps: [a.id, "key:b"] });
    expect(c).toMatchObject({
      stage: "blocked",
      deps: [a.id, b.id],
      blockedBy: [
        { jobId: a.id, stage: "queued" },
        { jobId: b.id, stage: "queued" },
      ],
    });
    await work(world, "shipped");
    expect(await stored(world, c)).toMatchObject({ stage: "blocked", blockedBy: [{ jobId: b.id }] });
    await work(world, "shipped");
    const free = await stored(world, c);
    expect(free.stage).toBe("queued");
    expect(free.blockedBy).toBeUndefined();
  });

  it("are satisfied by testing in soft mode, but not in hard mode", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a" });
    const soft = await aJob(world, { idempotencyKey: "soft", deps: [a.id], depsMode: "soft" });
    const hard = await aJob(world, { idempotencyKey: "hard", deps: [a.id] });
    await work(world, "review");
    expect(await stored(world, soft)).toMatchObject({ stage: "blocked" });
    await patch(world.fleet, PRODUCT, a.id, { factoryId: "worker", leaseEpoch: 1, stage: "testing" });
    expect(await stored(world, soft)).toMatchObject({ stage: "queued" });
    expect(await stored(world, hard)).toMatchObject({ stage: "blocked" });
  });

  it("that have shipped before don't block at all", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a" });
    await work(world, "shipped");
    expect(await aJob(world, { idempotencyKey: "b", deps: [a.id] })).toMatchObject({ stage: "queued" });
  });

  it("that failed leave the job blocked, and are named with their stage", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a" });
    const b = await aJob(world, { idempotencyKey: "b", deps: [a.id] });
    await work(world, "failed");
    expect(await stored(world, b)).toMatchObject({
      stage: "blocked",
      blockedBy: [{ jobId: a.id, stage: "failed" }],
    });
  });

  it("must exist", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a" });
    expect(await again(world, "b", [a.id, "key:nobody", "no-such-id"])).toEqual({
      kind: "unknown_dependency",
      missing: ["key:nobody", "no-such-id"],
    });
    expect(await world.fleet.jobs.getByKey(PRODUCT, "b")).toBeUndefined();
  });

  it("must be of the same product", async () => {
    const world = aWorld(await open());
    const theirs = await aJob(world, { idempotencyKey: "a" }, "umbrella");
    expect(await again(world, "b", [theirs.id])).toEqual({
      kind: "unknown_dependency",
      missing: [theirs.id],
    });
  });

  it("are judged again when a job goes back to the queue", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a" });
    const b = await aJob(world, {
      idempotencyKey: "b",
      deps: [a.id],
      depsMode: "soft",
      priority: "critical",
    });
    await work(world, "testing");
    const { lease } = await mustClaim(world, "worker");
    // The soft dependency goes back to building: what was satisfied no longer is.
    await patch(world.fleet, PRODUCT, a.id, { factoryId: "worker", leaseEpoch: 1, stage: "building" });
    const released = await release(world.fleet, PRODUCT, b.id, {
      factoryId: "worker",
      leaseEpoch: lease.leaseEpoch,
    });
    expect(released).toMatchObject({
      kind: "released",
      job: { stage: "blocked", blockedBy: [{ jobId: a.id }] },
    });
  });

  it("wake a job whose dependency ships while the job is being submitted", async () => {
    const store = await open();
    const world = aWorld(store);
    const a = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const racing = justBefore(
      store,
      (call) => call.method === "create" && call.container === "fleet_jobs",
      () => patch(world.fleet, PRODUCT, a.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" }),
    );
    const two = aWorld(racing, { name: "two", clock: world.clock });
    expect(await aJob(two, { idempotencyKey: "b", deps: [a.id] })).toMatchObject({ stage: "queued" });
  });

  it("wake a job whose dependency ships between the judgement and the write that names it", async () => {
    const store = await open();
    const world = aWorld(store);
    const a = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const racing = justBefore(store, writes("fleet_jobs", 2), () =>
      patch(world.fleet, PRODUCT, a.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" }),
    );
    const two = aWorld(racing, { name: "two", clock: world.clock });
    const b = await aJob(two, { idempotencyKey: "b", deps: [a.id] });
    expect(await stored(world, b)).toMatchObject({ stage: "queued" });
  });
});

onEachStore("cycles", (open) => {
  it("a job cannot depend on itself", async () => {
    const world = aWorld(await open());
    const refused = await again(world, "a", ["key:a"]);
    expect(refused).toMatchObject({ kind: "dependency_cycle" });
    expect(await world.fleet.jobs.getByKey(PRODUCT, "a")).toBeUndefined();
  });

  it("cannot be closed by superseding a job, and the refusal shows the path", async () => {
    const world = aWorld(await open());
    const a = await aJob(world, { idempotencyKey: "a" });
    const b = await aJob(world, { idempotencyKey: "b", deps: [a.id] });
    const c = await aJob(world, { idempotencyKey: "c", deps: [b.id] });
    const before = await stored(world, a);
    expect(await again(world, "a", [c.id])).toEqual({
      kind: "dependency_cycle",
      cycle: [a.id, c.id, b.id, a.id],
    });
    expect(await stored(world, a)).toEqual(before);
  });

  it("are what the order of jobs rules out: a supersede may not add a younger dependency, cyclic or not", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    const younger = await aJob(world, { idempotencyKey: "b" });
    expect(await again(world, "a", [younger.id])).toEqual({ kind: "dependency_order", deps: [younger.id] });
  });

  it("a supersede may add an older dependency, and is blocked by it", async () => {
    const world = aWorld(await open());
    const older = await aJob(world, { idempotencyKey: "a" });
    await aJob(world, { idempotencyKey: "b" });
    expect(await again(world, "b", [older.id])).toMatchObject({
      kind: "superseded",
      job: { stage: "blocked", blockedBy: [{ jobId: older.id }] },
    });
  });

  it("cannot be closed by two supersedes that race, whoever comes first", async () => {
    const store = await open();
    const world = aWorld(store);
    const a = await aJob(world, { idempotencyKey: "a" });
    const b = await aJob(world, { idempotencyKey: "b" });
    const racing = justBefore(store, writes("fleet_jobs"), () => again(world, "a", [b.id]));
    const two = aWorld(racing, { name: "two", clock: world.clock });
    expect(await again(two, "b", [a.id])).toMatchObject({ kind: "superseded" });
    expect(await stored(world, a)).toMatchObject({ deps: [], stage: "queued" });
    expect(await stored(world, b)).toMatchObject({ deps: [a.id], stage: "blocked" });
  });

  it("cannot arise from clocks that disagree: a job is always ordered behind its dependencies", async () => {
    const store = await open();
    const ahead = aWorld(store);
    ahead.clock.advance(3600);
    const a = await aJob(ahead, { idempotencyKey: "a" });
    const behind = aWorld(store, { name: "two" });
    const b = await aJob(behind, { idempotencyKey: "b", deps: [a.id] });
    expect(b.order).toBeGreaterThan(a.order);
    expect(await again(ahead, "a", [b.id])).toMatchObject({
      kind: "dependency_cycle",
      cycle: [a.id, b.id, a.id],
    });
  });
});
