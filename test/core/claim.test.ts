import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { submit } from "../../shared/core/submit.js";
import { submission } from "../../shared/schema/requests.js";
import { justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";

onEachStore("claim", (open) => {
  it("assigns the job to the factory, with a lease and a run", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1", { engines: ["claude", "codex"] });
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1", leaseSeconds: 60 })).toMatchObject({
      kind: "claimed",
      job: { id: job.id, stage: "assigned", holderFactoryId: "f1", leaseEpoch: 1, attempt: 1 },
      lease: {
        jobId: job.id,
        holderFactoryId: "f1",
        leaseEpoch: 1,
        status: "held",
        renewals: 0,
        leaseSeconds: 60,
      },
      run: { jobId: job.id, factoryId: "f1", leaseEpoch: 1, attempt: 1, engine: "claude" },
    });
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc).toMatchObject({ factoryId: "f1" });
  });

  it("hands out the highest priority first, and of one priority the oldest", async () => {
    const world = aWorld(await open());
    for (const [idempotencyKey, priority] of [
      ["low", "low"],
      ["high-1", "high"],
      ["critical", "critical"],
      ["high-2", "high"],
      ["medium", "medium"],
    ] as const) {
      await aJob(world, { idempotencyKey, priority });
    }
    await aFactory(world, "f1");
    const order = [];
    for (let n = 0; n < 5; n++) order.push((await mustClaim(world, "f1")).job.idempotencyKey);
    expect(order).toEqual(["critical", "high-1", "high-2", "medium", "low"]);
  });

  it("passes over jobs that need what the factory lacks, however many are in front", async () => {
    const world = aWorld(await open());
    for (let n = 0; n < 30; n++) {
      await aJob(world, { idempotencyKey: `gpu-${n}`, priority: "critical", capabilities: ["linux", "gpu"] });
    }
    await aJob(world, { idempotencyKey: "engine", priority: "high", engineClass: "codex" });
    await aJob(world, { idempotencyKey: "mine", priority: "low", capabilities: ["linux"] });
    await aFactory(world, "f1", { capabilities: ["linux", "node"], engines: ["claude"] });
    expect((await mustClaim(world, "f1")).job.idempotencyKey).toBe("mine");
  });

  it("gives a job that names an engine class to a factory with that engine, and runs it on it", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a", engineClass: "codex" });
    await aFactory(world, "f1", { engines: ["claude", "codex"] });
    expect((await mustClaim(world, "f1")).run.engine).toBe("codex");
  });

  it("gives nothing of another product", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" }, "umbrella");
    await aFactory(world, "f1");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "no_job",
    });
  });

  it("says what is missing when jobs wait that the factory cannot take", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a", capabilities: ["gpu"] });
    await aJob(world, { idempotencyKey: "b", capabilities: ["gpu", "arm"] });
    await aFactory(world, "f1");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "no_matching_capabilities",
      missing: ["gpu", "arm"],
    });
  });

  it("stops at the factory's seats", async () => {
    const world = aWorld(await open());
    for (const idempotencyKey of ["a", "b", "c"]) await aJob(world, { idempotencyKey });
    await aFactory(world, "f1", { seatLimit: 2 });
    const first = await mustClaim(world, "f1");
    await mustClaim(world, "f1");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "seat_limit",
    });
    await patch(world.fleet, PRODUCT, first.job.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" });
    expect((await mustClaim(world, "f1")).job.idempotencyKey).toBe("c");
  });

  it("refuses factories that never reported, fell silent, or said they are down", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "factory_not_registered",
    });
    await aFactory(world, "f1");
    world.clock.advance(121);
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "factory_unavailable",
      why: "stale",
    });
    await aFactory(world, "f1", { health: "down" });
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "factory_unavailable",
      why: "down",
    });
    await aFactory(world, "f1", { health: "degraded" });
    expect((await mustClaim(world, "f1")).job.idempotencyKey).toBe("a");
  });
});

onEachStore("the claim race", (open) => {
  it("is decided by one conditional write: on the same etag one of two claimers wins, the other conflicts", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "only" });
    await aFactory(world, "fast");
    await aFactory(world, "slow");
    // The slow one has read the job and judged it free; right before its write the fast one claims.
    const outcomes: unknown[] = [];
    const racing = justBefore(store, writes("fleet_jobs"), async () => {
      outcomes.push(await claim(world.fleet, PRODUCT, { factoryId: "fast" }));
    });
    const slow = aWorld(racing, { name: "two", clock: world.clock });
    outcomes.push(await claim(slow.fleet, PRODUCT, { factoryId: "slow" }));

    expect(outcomes).toMatchObject([
      { kind: "claimed", job: { holderFactoryId: "fast", leaseEpoch: 1 } },
      { kind: "nothing", reason: "contended" },
    ]);
    expect(await stored(world, job)).toMatchObject({
      holderFactoryId: "fast",
      leaseEpoch: 1,
      attempt: 1,
      eventSeq: 2,
    });
    expect((await world.fleet.leases.get(job.id, job.id))?.doc).toMatchObject({ holderFactoryId: "fast" });
  });

  it("sends the loser on to the next job", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "first" });
    await aJob(world, { idempotencyKey: "second" });
    await aFactory(world, "fast");
    await aFactory(world, "slow");
    const racing = justBefore(store, writes("fleet_jobs"), () => mustClaim(world, "fast"));
    const slow = aWorld(racing, { name: "two", clock: world.clock });
    expect((await mustClaim(slow, "slow")).job.idempotencyKey).toBe("second");
  });

  it("hands out 60 jobs to 90 claims at once by three factories, each job once", async () => {
    const world = aWorld(await open());
    for (let n = 0; n < 60; n++) {
      await submit(world.fleet, PRODUCT, submission.parse({ idempotencyKey: `job-${n}`, bodyMd: "x" }));
    }
    const factories = ["f1", "f2", "f3"];
    for (const factory of factories) await aFactory(world, factory, { seatLimit: 100 });
    const claims = await Promise.all(
      Array.from({ length: 90 }, (_, n) =>
        claim(world.fleet, PRODUCT, { factoryId: factories[n % 3] ?? "" }),
      ),
    );
    const won = claims.flatMap((claimed) => (claimed.kind === "claimed" ? [claimed.job.id] : []));
    expect(won).toHaveLength(60);
    expect(new Set(won).size).toBe(60);
  }, 60_000);
});
