import { expect, it } from "vitest";
import { changeJob, operation } from "../../shared/core/change-job.js";
import type { Change } from "../../shared/core/change-job.js";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { reap } from "../../shared/core/reap.js";
import type { Job } from "../../shared/schema/job.js";
import { delayEffect, intercept, justBefore, loseAnswer, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };

/** Adds 1 to a job's exit code: a change that shows how often it was made. */
function increment({ fleet }: World, job: Job): Change<string> {
  return {
    productId: PRODUCT,
    jobId: job.id,
    operation: operation(fleet, { route: "test" }, {}),
    storeEvents: "always",
    judge: (now) => ({ kind: "write", next: { ...now, exit: (now.exit ?? 0) + 1 }, answer: "written" }),
    repeated: () => "found itself",
  };
}

it("an operation is named by its owner, too: another factory's or another epoch's same key is another operation", () => {
  const ids = { unique: () => "unused" };
  const name = (factoryId: string, leaseEpoch: number): string =>
    operation({ ids }, { route: "patch", factoryId, leaseEpoch, key: "k" }, {}).op;
  expect(new Set([name("f1", 1), name("f1", 2), name("f2", 1)]).size).toBe(3);
  expect(name("f1", 1)).toBe(name("f1", 1));
});

onEachStore("changing a job", (open) => {
  it("loses no change of twenty at once", async () => {
    const world = aWorld(await open(), { chance: 0.5 });
    const job = await aJob(world, { idempotencyKey: "a" });
    await Promise.all(Array.from({ length: 20 }, () => changeJob(world.fleet, increment(world, job))));
    expect((await stored(world, job)).exit).toBe(20);
  });

  it("is made once when the answer was lost", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const unlucky = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two" });
    expect(await changeJob(unlucky.fleet, increment(unlucky, job))).toMatchObject({ answer: "found itself" });
    expect((await stored(world, job)).exit).toBe(1);
  });

  it("is made once when the write happens after the error, between the reading and the next try", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const delayed = delayEffect(store, writes("fleet_jobs"));
    const late = aWorld(
      justBefore(delayed.store, writes("fleet_jobs", 2), () => delayed.later()),
      { name: "two" },
    );
    await changeJob(late.fleet, increment(late, job));
    expect((await stored(world, job)).exit).toBe(1);
  });

  it("is never called refused after an unknown outcome: nobody knows, so try again", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    // The patch's answer is lost; before it reads again, the job is reaped and claimed by another.
    const unlucky = aWorld(
      intercept(loseAnswer(store, writes("fleet_jobs")), async (_call, proceed) => {
        try {
          return await proceed();
        } catch (error) {
          world.clock.advance(1000);
          await reap(world.fleet, PRODUCT, job.id);
          await mustClaim(world, await aFactory(world, "f2"));
          throw error;
        }
      }),
      { name: "two", clock: world.clock },
    );
    await expect(patch(unlucky.fleet, PRODUCT, job.id, { ...who, stage: "building" })).rejects.toThrow(
      StoreUnavailable,
    );
    expect(await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "building" })).toMatchObject({
      kind: "stale_lease",
    });
  });

  it("stops trying in bounded time, and says that it may be tried again", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const busy = aWorld(
      intercept(store, async (call, proceed) =>
        call.method === "replaceIfMatch" ? { kind: "etag_mismatch" } : proceed(),
      ),
    );
    await expect(changeJob(busy.fleet, increment(busy, job))).rejects.toThrow(StoreThrottled);
    expect((await stored(world, job)).exit).toBeUndefined();
  });

  it("does not go on to another job when nobody knows whether a claim won this one", async () => {
    const store = await open();
    const world = aWorld(store);
    const first = await aJob(world, { idempotencyKey: "a" });
    const second = await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    await aFactory(world, "f2");
    const { store: slow } = delayEffect(store, writes("fleet_jobs"));
    const raced = intercept(slow, async (_call, proceed) => {
      try {
        return await proceed();
      } catch (error) {
        await mustClaim(world, "f2");
        throw error;
      }
    });
    const unlucky = aWorld(raced, { name: "two", clock: world.clock });
    await expect(claim(unlucky.fleet, PRODUCT, { factoryId: "f1" })).rejects.toThrow(StoreUnavailable);
    expect(await stored(world, first)).toMatchObject({ holderFactoryId: "f2" });
    expect(await stored(world, second)).toMatchObject({ stage: "queued" });
  });

  it("passes throttling on as it is while nothing was written", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const throttled = aWorld(
      intercept(store, (call, proceed) =>
        call.method === "replaceIfMatch" ? Promise.reject(new StoreThrottled(3)) : proceed(),
      ),
    );
    await expect(changeJob(throttled.fleet, increment(throttled, job))).rejects.toMatchObject({
      retryAfterSeconds: 3,
    });
  });

  it("keeps what a newer version of the code added to the document", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const read = await store.read("fleet_jobs", PRODUCT, job.id);
    if (read === undefined) throw new Error("not found");
    await store.replaceIfMatch("fleet_jobs", { ...read.doc, fromTheFuture: 1 } as never, read.etag);
    await changeJob(world.fleet, increment(world, job));
    expect(await stored(world, job)).toMatchObject({ fromTheFuture: 1, exit: 1 });
  });
});
