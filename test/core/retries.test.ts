import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { toInstant } from "../../shared/schema/primitives.js";
import { onEachStore } from "../support/on-each-store.js";
import { LEASE_SECONDS, PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

onEachStore("retries", (open) => {
  const verify = { stage: "failed", failure: { kind: "verify", message: "red" } } as const;

  /** Claims the job, which must be there, and reports what `given` says. */
  async function work(world: World, given: Parameters<typeof patch>[3] extends infer R ? Partial<R> : never) {
    const { job } = await mustClaim(world, await aFactory(world, "f1"));
    const who = { factoryId: "f1", leaseEpoch: job.leaseEpoch };
    return patch(world.fleet, PRODUCT, job.id, { ...who, ...given });
  }

  it("a failure without a policy is the end", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    expect(await work(world, verify)).toMatchObject({
      kind: "patched",
      job: { stage: "failed", failure: { kind: "verify", message: "red" }, holderFactoryId: "f1" },
      directive: { action: "continue" },
    });
  });

  it("a failure goes back with a delay that doubles, keeps its failure, and waits for its time", async () => {
    const world = aWorld(await open(), { chance: 0.5 });
    const job = await aJob(world, { idempotencyKey: "a", retry: { max: 3, backoff: 60 } });
    for (const [attempt, seconds] of [
      [1, 30],
      [2, 60],
      [3, 120],
    ] as const) {
      expect(await work(world, verify)).toMatchObject({
        kind: "patched",
        job: { stage: "queued", attempt, failure: { kind: "verify" } },
        directive: { action: "continue" },
      });
      // Full jitter: half of backoff · 2^(attempt − 1), since chance falls in the middle.
      const waiting = await stored(world, job);
      expect(waiting.notBefore).toBe(toInstant(world.clock.now() + seconds * 1000));
      expect(waiting.holderFactoryId).toBeUndefined();
      world.clock.advance(seconds - 1);
      await aFactory(world, "f1");
      expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ reason: "no_job" });
      world.clock.advance(1);
    }
    expect(await work(world, verify)).toMatchObject({ job: { stage: "dead_letter", attempt: 4 } });
    expect((await stored(world, job)).notBefore).toBeUndefined();
    await aFactory(world, "f1");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ kind: "nothing" });
  });

  it("waits an hour at most, however often it failed", async () => {
    const world = aWorld(await open(), { chance: 0.999 });
    const job = await aJob(world, { idempotencyKey: "a", retry: { max: 100, backoff: 3600 } });
    for (let attempt = 1; attempt <= 2; attempt++) {
      await work(world, verify);
      const { notBefore } = await stored(world, job);
      const waits = Date.parse(notBefore ?? "") - world.clock.now();
      expect(waits).toBe(3_596_400);
      world.clock.advance(3600);
    }
  });

  it("tries again only what the policy names", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a", retry: { max: 5, on: ["timeout"] } });
    expect(await work(world, { stage: "failed", failure: { kind: "timeout" } })).toMatchObject({
      job: { stage: "queued" },
    });
    expect(await work(world, verify)).toMatchObject({
      job: { stage: "failed", failure: { kind: "verify" } },
    });
  });

  it("counts no attempt that was given back", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a", retry: { max: 1, backoff: 0 } });
    for (let epoch = 1; epoch <= 4; epoch++) {
      await mustClaim(world, await aFactory(world, "f1"));
      await release(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: epoch });
    }
    expect(await work(world, verify)).toMatchObject({ job: { stage: "queued", attempt: 1 } });
    expect(await work(world, verify)).toMatchObject({ job: { stage: "dead_letter", attempt: 2 } });
  });

  it.each([
    ["without a policy after ten", undefined, 10],
    ["whatever kinds the policy names, when its attempts are used up", { max: 2, on: ["verify"] }, 3],
  ])("puts a job aside that kills its factories: %s", async (_, retry, attempts) => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a", ...(retry === undefined ? {} : { retry }) });
    for (let attempt = 1; attempt <= attempts; attempt++) {
      expect(await stored(world, job)).toMatchObject({ stage: "queued", attempt: attempt - 1 });
      await mustClaim(world, await aFactory(world, "f1"));
      world.clock.advance(LEASE_SECONDS + 3);
      expect(await reap(world.fleet, PRODUCT, job.id)).toBe(true);
    }
    const aside = await stored(world, job);
    expect(aside).toMatchObject({ stage: "dead_letter", failure: { kind: "lease_expired" } });
    // Each claim raised it, and each expiry.
    expect(aside.leaseEpoch).toBe(2 * attempts);
    expect(aside.holderFactoryId).toBeUndefined();
    const lease = await world.fleet.leases.get(job.id, job.id);
    expect(lease?.doc.status).toBe("expired");
  });

  it("waits for its dependencies again after a failure", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id], retry: { max: 1, backoff: 0 } });
    await work(world, { stage: "shipped" });
    expect(await work(world, verify)).toMatchObject({ job: { id: job.id, stage: "queued" } });
  });

  it("ships what failed before, and then has failed of nothing", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a", retry: { max: 1, backoff: 0 } });
    await work(world, verify);
    expect((await stored(world, job)).failure).toEqual(verify.failure);
    await work(world, { stage: "shipped" });
    expect((await stored(world, job)).failure).toBeUndefined();
  });
});
