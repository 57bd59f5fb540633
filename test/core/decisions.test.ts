import { describe, expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { tell } from "../../shared/core/decisions.js";
import { patch } from "../../shared/core/patch.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { submit } from "../../shared/core/submit.js";
import { decision } from "../../shared/schema/decision.js";
import type { Decision } from "../../shared/schema/decision.js";
import { submission } from "../../shared/schema/requests.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { justBefore, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const mine = { factoryId: "f1", leaseEpoch: 1 };

/** What the world told, each of it in the closed list. */
function told({ decisions }: World): Decision[] {
  return decisions.map((one) => decision.parse(one));
}
const namesIn = (world: World): string[] => told(world).map((one) => one.decision);
const lastOf = (world: World, name: Decision["decision"]) =>
  told(world).findLast((one) => one.decision === name);

onEachStore("what the core decides", (open) => {
  it("is told in the order in which it came true", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    const waiting = await aJob(world, { idempotencyKey: "b", deps: [job.id] });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, { ...mine, stage: "building" });
    await patch(world.fleet, PRODUCT, job.id, { ...mine, checkpoint: { wipCommit: "c0ffee" } });
    await patch(world.fleet, PRODUCT, job.id, { ...mine, stage: "shipped" });
    expect(told(world).map((one) => [one.decision, "jobId" in one && one.jobId === waiting.id])).toEqual([
      ["submitted", false],
      ["submitted", true],
      ["blocked", true],
      ["claimed", false],
      ["stage_changed", false],
      ["checkpointed", false],
      ["shipped", false],
      ["unblocked", true],
    ]);
  });

  it("tells how long a job waited for its claim, and how long its run was and what it cost", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    const f1 = await aFactory(world, "f1");
    world.clock.advance(42);
    await mustClaim(world, f1);
    const at = { productId: PRODUCT, jobId: job.id, factoryId: f1, leaseEpoch: 1, attempt: 1 };
    expect(lastOf(world, "claimed")).toEqual({
      decision: "claimed",
      ...at,
      from: "queued",
      stage: "assigned",
      waitedMs: 42_000,
    });
    world.clock.advance(7);
    const insights = { costUsd: 1.25, tokensIn: 10, tokensOut: 3 };
    await patch(world.fleet, PRODUCT, job.id, { ...mine, stage: "shipped", insights });
    expect(lastOf(world, "shipped")).toEqual({
      decision: "shipped",
      ...at,
      from: "assigned",
      stage: "shipped",
      ranMs: 7000,
      ...insights,
    });
  });

  it("names who lost a job to the reaper, and whether a worker's word for a failure is one of the contract's", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    const f1 = await aFactory(world, "f1");
    await mustClaim(world, f1);
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    expect(lastOf(world, "expired")).toMatchObject({ factoryId: f1, leaseEpoch: 2, stage: "queued" });
    await aFactory(world, "f1");
    await mustClaim(world, f1);
    const failure = { kind: "my_own_word", message: "a secret" };
    await patch(world.fleet, PRODUCT, job.id, { factoryId: f1, leaseEpoch: 3, stage: "failed", failure });
    expect(lastOf(world, "failed")).toMatchObject({ failure: "other", stage: "failed" });
    expect(JSON.stringify(world.decisions)).not.toMatch(/my_own_word|a secret/);
  });

  it("tells of a write once, though its answer was lost", async () => {
    const store = await open();
    const world = aWorld(loseAnswer(store, writes("fleet_jobs")));
    const job = await aJob(world, { idempotencyKey: "a" });
    expect(namesIn(world)).toEqual(["submitted"]);
    const losing = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    await mustClaim(losing, await aFactory(losing, "f1"));
    expect(namesIn(losing)).toEqual(["claimed"]);
    await release(losing.fleet, PRODUCT, job.id, mine);
    expect(namesIn(losing)).toEqual(["claimed", "released"]);
  });

  it("tells of a supersede under its own name", async () => {
    const world = aWorld(await open());
    await aJob(world, { idempotencyKey: "a" });
    await submit(
      world.fleet,
      PRODUCT,
      submission.parse({ idempotencyKey: "a", bodyMd: "Build it otherwise." }),
    );
    expect(namesIn(world)).toEqual(["submitted", "superseded"]);
  });

  it("tells how many candidates a claim lost to others, and what it found instead", async () => {
    const store = await open();
    const other = aWorld(store, { name: "other" });
    const job = await aJob(other, { idempotencyKey: "a" });
    await aFactory(other, "f2");
    const racing = justBefore(store, writes("fleet_jobs"), () => mustClaim(other, "f2"));
    const world = aWorld(racing, { clock: other.clock });
    await aFactory(world, "f1");
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ kind: "nothing" });
    expect(told(world)).toEqual([
      { decision: "write_conflict", productId: PRODUCT, jobId: job.id, conflicts: 1 },
      { decision: "race_lost", productId: PRODUCT, factoryId: "f1", races: 1 },
    ]);
  });

  it("tells of a claim that finds its own job again", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    await claim(world.fleet, PRODUCT, { factoryId: "f1", claimId: "c" });
    await claim(world.fleet, PRODUCT, { factoryId: "f1", claimId: "c" });
    expect(namesIn(world)).toEqual(["submitted", "claimed", "claim_repeated"]);
    expect(lastOf(world, "claim_repeated")).toMatchObject({ jobId: job.id, leaseEpoch: 1 });
  });

  it("says nothing of a write that brings no event, or that never happened", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const before = world.decisions.length;
    await patch(world.fleet, PRODUCT, job.id, { ...mine, insights: { turns: 1 } });
    await patch(world.fleet, PRODUCT, job.id, { ...mine, leaseEpoch: 9, stage: "shipped" });
    expect(world.decisions).toHaveLength(before);
  });
});

describe("a job that failed before", () => {
  const failed = { kind: "verify" };
  it.each([
    ["shipped", "shipped", undefined],
    ["released", "queued", undefined],
    ["expired", "queued", undefined],
    ["expired", "dead_letter", "verify"],
    ["retry_scheduled", "queued", "verify"],
  ] as const)(
    "is not told to have failed again where it was %s, now %s: %s",
    async (type, stage, failure) => {
      const world = aWorld(openSqliteStore({ path: ":memory:" }));
      const job = await stored(world, await aJob(world, { idempotencyKey: "a" }));
      const event = { seq: job.eventSeq + 1, type, at: job.updatedAt, data: {} };
      tell(world.fleet, job, { ...job, stage, failure: failed, eventSeq: event.seq, outbox: [event] });
      const [, ended] = told(world);
      expect(ended).toMatchObject({ decision: type, stage });
      expect(ended && "failure" in ended ? ended.failure : undefined).toBe(failure);
    },
  );
});

describe("a job that may be claimed only later", () => {
  it("waits from that moment on, not from when it was queued", async () => {
    const world = aWorld(openSqliteStore({ path: ":memory:" }));
    const job = await stored(world, await aJob(world, { idempotencyKey: "a" }));
    const at = (seconds: number) => new Date(world.clock.ms + seconds * 1000).toISOString();
    const event = { seq: job.eventSeq + 1, type: "claimed", at: at(100), actor: "f1", data: {} } as const;
    const after = { ...job, eventSeq: event.seq, outbox: [event], holderFactoryId: "f1", leaseEpoch: 1 };
    tell(world.fleet, { ...job, notBefore: at(90) }, after);
    expect(lastOf(world, "claimed")).toMatchObject({ waitedMs: 10_000 });
  });
});
