import { expect, it } from "vitest";
import { isOwned } from "../../shared/core/advance.js";
import { claim } from "../../shared/core/claim.js";
import { revokeLease } from "../../shared/core/lease-writes.js";
import { patch } from "../../shared/core/patch.js";
import { reap } from "../../shared/core/reap.js";
import { redrive } from "../../shared/core/redrive.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import { justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { LEASE_SECONDS, PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const STOP = { action: "stop", reason: "over_budget" };
const OVER = { stage: "failed", failure: { kind: "over_budget" } };
const at = (leaseEpoch: number, factoryId = "f1") => ({ factoryId, leaseEpoch });

/** A job with this budget that f1 holds, and its run, as it is stored. */
async function holding(world: World, budget: { usd?: number; tokens?: number; wall?: number }) {
  const { id } = await aJob(world, { idempotencyKey: "a", budget });
  const { job } = await mustClaim(world, await aFactory(world, "f1"));
  const run = async (epoch: number) => (await world.fleet.runs.get(id, `${id}:${epoch}`))?.doc;
  return { job, run };
}

onEachStore("a budget", (open) => {
  it("stops the job in the very renewal that reports more, and keeps its checkpoint", async () => {
    const world = aWorld(await open());
    const { job, run } = await holding(world, { usd: 5 });
    await patch(world.fleet, PRODUCT, job.id, { ...at(1), checkpoint: { wipCommit: "w1" } });
    expect(await renew(world.fleet, PRODUCT, job.id, { ...at(1), insights: { costUsd: 5 } })).toMatchObject({
      kind: "renewed",
      directive: { action: "continue" },
    });
    expect(
      await renew(world.fleet, PRODUCT, job.id, { ...at(1), insights: { costUsd: 5.01 } }),
    ).toMatchObject({ kind: "renewed", lease: { status: "released" }, directive: STOP });
    expect(await stored(world, job)).toMatchObject({
      ...OVER,
      checkpoint: { wipCommit: "w1" },
      spent: { usd: 5.01 },
    });
    expect(await run(1)).toMatchObject({
      endedAt: expect.any(String) as string,
      insights: { costUsd: 5.01 },
    });
    expect((await world.fleet.leases.get(job.id, job.id))?.doc.status).toBe("released");
    expect(await renew(world.fleet, PRODUCT, job.id, at(1))).toMatchObject({
      kind: "lease_not_held",
      directive: STOP,
    });
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ kind: "nothing" });
  });

  it.each([
    ["a patch of its stage", { stage: "review" }],
    ["a patch that fails", { stage: "failed", failure: { kind: "verify" } }],
    ["a patch without a stage", {}],
  ] as const)("stops the job in %s", async (_, given) => {
    const world = aWorld(await open());
    const { job } = await holding(world, { tokens: 100 });
    const insights = { tokensIn: 60, tokensOut: 41 };
    expect(await patch(world.fleet, PRODUCT, job.id, { ...at(1), ...given, insights })).toMatchObject({
      kind: "patched",
      job: OVER,
      directive: STOP,
    });
  });

  it("stops the job in a release, whose checkpoint is kept", async () => {
    const world = aWorld(await open());
    const { job } = await holding(world, { tokens: 100 });
    const last = { checkpoint: { wipCommit: "w2" }, insights: { tokensIn: 101 } };
    expect(await release(world.fleet, PRODUCT, job.id, { ...at(1), ...last })).toMatchObject({
      kind: "released",
      job: { ...OVER, checkpoint: { wipCommit: "w2" } },
      lease: { status: "released" },
      directive: STOP,
    });
  });

  it("tells a worker whose report was too much so, though a reaper revoked its lease just before", async () => {
    const store = await open();
    const world = aWorld(store);
    const { job } = await holding(world, { usd: 5 });
    const revoke = async (): Promise<void> => {
      const lease = await world.fleet.leases.get(job.id, job.id);
      const owned = await stored(world, job);
      if (isOwned(owned)) await revokeLease(world.fleet, owned, lease);
    };
    const late = justBefore(store, writes("fleet_leases"), revoke);
    const two = aWorld(late, { name: "two", clock: world.clock });
    expect(await renew(two.fleet, PRODUCT, job.id, { ...at(1), insights: { costUsd: 6 } })).toMatchObject({
      kind: "renewed",
      lease: { status: "released", leaseEpoch: 1 },
      directive: STOP,
    });
    expect(await stored(world, job)).toMatchObject(OVER);
  });

  it("takes work that is done, whatever it cost", async () => {
    const world = aWorld(await open());
    const { job } = await holding(world, { usd: 1 });
    const done = { stage: "shipped", insights: { costUsd: 2 } } as const;
    expect(await patch(world.fleet, PRODUCT, job.id, { ...at(1), ...done })).toMatchObject({
      job: { stage: "shipped", spent: { usd: 2 } },
      directive: { action: "continue" },
    });
  });

  it("adds up over factories and attempts, and binds by time without any report", async () => {
    const world = aWorld(await open());
    const { job } = await holding(world, { tokens: 100, wall: 100 });
    await renew(world.fleet, PRODUCT, job.id, { ...at(1), insights: { tokensIn: 60 } });
    world.clock.advance(40);
    await release(world.fleet, PRODUCT, job.id, at(1));
    await mustClaim(world, await aFactory(world, "f2"));
    expect((await stored(world, job)).spent).toEqual({ usd: 0, tokens: 60, wall: 40 });
    expect(
      await renew(world.fleet, PRODUCT, job.id, { ...at(2, "f2"), insights: { tokensIn: 40 } }),
    ).toMatchObject({ directive: { action: "continue" } });
    world.clock.advance(60);
    expect(await renew(world.fleet, PRODUCT, job.id, at(2, "f2"))).toMatchObject({
      directive: { action: "continue" },
    });
    world.clock.advance(1);
    expect(await renew(world.fleet, PRODUCT, job.id, at(2, "f2"))).toMatchObject({ directive: STOP });
    expect(await stored(world, job)).toMatchObject({ ...OVER, spent: { tokens: 100, wall: 101 } });
  });

  it("ends a job whose factory died when the time that it may take is over", async () => {
    const world = aWorld(await open());
    const { job } = await holding(world, { wall: 30 });
    world.clock.advance(LEASE_SECONDS + 3);
    expect(await reap(world.fleet, PRODUCT, job.id)).toBe(true);
    expect(await stored(world, job)).toMatchObject({ ...OVER, leaseEpoch: 2 });
    expect(await renew(world.fleet, PRODUCT, job.id, at(1))).toMatchObject({
      kind: "stale_lease",
      directive: STOP,
    });
  });

  it("counts a report once, however often and in whatever order it comes", async () => {
    const world = aWorld(await open());
    const { job } = await holding(world, { tokens: 100 });
    for (const tokensIn of [10, 90, 10, 90, 40]) {
      const insights = { tokensIn };
      expect(await renew(world.fleet, PRODUCT, job.id, { ...at(1), insights })).toMatchObject({
        directive: { action: "continue" },
      });
    }
    await release(world.fleet, PRODUCT, job.id, { ...at(1), insights: { tokensIn: 50 } });
    expect((await stored(world, job)).spent?.tokens).toBe(90);
  });

  it("is raised by a redrive, which goes on from the checkpoint; one that is spent is refused", async () => {
    const world = aWorld(await open());
    const { job } = await holding(world, { usd: 5, tokens: 1000 });
    const last = { checkpoint: { wipCommit: "w1" }, insights: { costUsd: 7 } };
    await patch(world.fleet, PRODUCT, job.id, { ...at(1), ...last });
    for (const request of [{}, { budget: { usd: 6 } }]) {
      expect(await redrive(world.fleet, PRODUCT, job.id, request)).toMatchObject({
        kind: "budget_spent",
        spent: { usd: 7 },
      });
    }
    expect(await stored(world, job)).toMatchObject(OVER);
    expect(await redrive(world.fleet, PRODUCT, job.id, { budget: { usd: 10 } })).toMatchObject({
      kind: "redriven",
      job: {
        stage: "queued",
        budget: { usd: 10, tokens: 1000 },
        checkpoint: { wipCommit: "w1" },
        attempt: 0,
      },
    });
    await mustClaim(world, await aFactory(world, "f1"));
    const more = (costUsd: number) =>
      renew(world.fleet, PRODUCT, job.id, { ...at(2), insights: { costUsd } });
    expect(await more(3)).toMatchObject({ directive: { action: "continue" } });
    expect(await more(3.5)).toMatchObject({ directive: STOP });
  });
});

onEachStore("a worker that lost its job", (open) => {
  it("changes nothing of it, but what it spent is on its own run, marked, and counted once", async () => {
    const world = aWorld(await open());
    const { job, run } = await holding(world, { tokens: 100 });
    await renew(world.fleet, PRODUCT, job.id, { ...at(1), insights: { tokensIn: 10 } });
    world.clock.advance(LEASE_SECONDS + 3);
    await reap(world.fleet, PRODUCT, job.id);
    await mustClaim(world, await aFactory(world, "f2"));
    const before = await stored(world, job);
    const insights = { tokensIn: 70, tokensOut: 5 };
    for (let n = 0; n < 2; n++) {
      expect(await renew(world.fleet, PRODUCT, job.id, { ...at(1), insights })).toMatchObject({
        kind: "stale_lease",
      });
      const report = { ...at(1), stage: "shipped", insights: { tokensIn: 30 } } as const;
      expect(await patch(world.fleet, PRODUCT, job.id, report)).toMatchObject({ kind: "stale_lease" });
      expect(await release(world.fleet, PRODUCT, job.id, { ...at(1), insights })).toMatchObject({
        kind: "stale_lease",
      });
    }
    expect(await stored(world, job)).toEqual(before);
    expect(await run(1)).toMatchObject({ insights, superseded: true, factoryId: "f1" });
    expect((await run(2))?.superseded).toBeUndefined();
  });

  it("by its own end reports its last totals on its run, which is no waste", async () => {
    const world = aWorld(await open());
    const { job, run } = await holding(world, { tokens: 100 });
    await patch(world.fleet, PRODUCT, job.id, { ...at(1), stage: "shipped", insights: { tokensIn: 1 } });
    await renew(world.fleet, PRODUCT, job.id, { ...at(1), insights: { tokensIn: 9 } });
    expect((await run(1))?.insights).toEqual({ tokensIn: 9 });
    expect((await run(1))?.superseded).toBeUndefined();
  });

  it("can't report on another factory's run", async () => {
    const world = aWorld(await open());
    const { job, run } = await holding(world, { tokens: 100 });
    await release(world.fleet, PRODUCT, job.id, at(1));
    await renew(world.fleet, PRODUCT, job.id, { ...at(1, "f9"), insights: { tokensIn: 70 } });
    expect((await run(1))?.insights).toEqual({});
  });
});
