/** Once something was written, no answer may say that nothing was done. */
import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import { submit } from "../../shared/core/submit.js";
import { submission } from "../../shared/schema/requests.js";
import type { Store } from "../../shared/core/ports/store.js";
import { delayEffect, intercept, justBefore, loseAnswer, writes } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const content = (given: object = {}) => submission.parse({ idempotencyKey: "a", bodyMd: "x", ...given });

/** The store throttles every operation that `matches`. */
function throttling(store: Store, matches: (call: Call) => boolean): Store {
  return intercept(store, (call, proceed) =>
    matches(call) ? Promise.reject(new StoreThrottled(1)) : proceed(),
  );
}

onEachStore("when the store throttles after a write", (open) => {
  it("a claim that won its job, but not yet its lease, says that nobody knows, not that nothing was done", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const throttled = aWorld(throttling(store, writes("fleet_leases")), { name: "two", clock: world.clock });
    await expect(claim(throttled.fleet, PRODUCT, { factoryId: "f1" })).rejects.toThrow(StoreUnavailable);
  });

  it("a release that happened is answered as one", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const throttled = aWorld(
      throttling(store, (call) => call.container === "fleet_leases"),
      { name: "two", clock: world.clock },
    );
    expect(await release(throttled.fleet, PRODUCT, job.id, who)).toMatchObject({
      kind: "released",
      job: { stage: "queued" },
    });
  });

  it("a submission that created its job is answered as created, with its deps still to be judged", async () => {
    const store = await open();
    const world = aWorld(store);
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const throttled = aWorld(
      throttling(store, (call) => call.method === "replaceIfMatch"),
      { name: "two", clock: world.clock },
    );
    expect(await submit(throttled.fleet, PRODUCT, content({ deps: [dep.id] }))).toMatchObject({
      kind: "created",
      job: { stage: "blocked" },
    });
  });

  it("a submission whose create got no answer says that nobody knows", async () => {
    const store = await open();
    const lost = loseAnswer(store, writes("fleet_jobs"));
    const throttled = aWorld(
      throttling(lost, (call) => call.method === "read" && call.container === "fleet_jobs"),
    );
    await expect(submit(throttled.fleet, PRODUCT, content())).rejects.toThrow(StoreUnavailable);
  });

  it("a submission that created perhaps, and is throttled when it tries again, says that nobody knows", async () => {
    const delayed = delayEffect(await open(), writes("fleet_jobs"));
    let creates = 0;
    const throttled = intercept(delayed.store, (call, proceed) =>
      call.method === "create" && ++creates > 1 ? Promise.reject(new StoreThrottled(1)) : proceed(),
    );
    await expect(submit(aWorld(throttled).fleet, PRODUCT, content())).rejects.toThrow(StoreUnavailable);
  });

  it("a renewal whose lease was perhaps extended says that nobody knows", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    let reads = 0;
    const throttled = intercept(loseAnswer(store, writes("fleet_leases")), (call, proceed) =>
      call.method === "read" && call.container === "fleet_leases" && ++reads > 1
        ? Promise.reject(new StoreThrottled(1))
        : proceed(),
    );
    const unlucky = aWorld(throttled, { name: "two", clock: world.clock });
    await expect(renew(unlucky.fleet, PRODUCT, job.id, who)).rejects.toThrow(StoreUnavailable);
  });

  it("a heartbeat that was recorded does not say that nothing was done", async () => {
    const store = await open();
    const throttled = aWorld(throttling(store, (call) => call.method === "query"));
    const beat = { capabilities: [], engines: [], seatLimit: 1, load: 0, health: "ok" as const };
    const sent = heartbeat(throttled.fleet, PRODUCT, { factoryId: "f1", ...beat });
    await expect(sent).rejects.toThrow(StoreUnavailable);
  });
});

onEachStore("an answer after a lost one", (open) => {
  it("calls a submission created that created the job, though another superseded it meanwhile", async () => {
    const store = await open();
    const world = aWorld(store);
    const lost = loseAnswer(store, writes("fleet_jobs"));
    const racing = justBefore(
      lost,
      (call) => call.method === "read" && call.container === "fleet_jobs",
      () => submit(world.fleet, PRODUCT, content({ bodyMd: "newer" })),
    );
    const unlucky = aWorld(racing, { name: "two", clock: world.clock });
    expect(await submit(unlucky.fleet, PRODUCT, content())).toMatchObject({ kind: "created" });
  });

  it("does not fail a claim that finds nothing because somebody else's job cannot be reaped", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    world.clock.advance(100);
    await aFactory(world, "f2");
    const troubled = aWorld(
      intercept(store, (call, proceed) =>
        call.method === "replaceIfMatch" ? Promise.reject(new Error("trouble")) : proceed(),
      ),
      { name: "two", clock: world.clock },
    );
    expect(await claim(troubled.fleet, PRODUCT, { factoryId: "f2" })).toEqual({
      kind: "nothing",
      reason: "no_job",
    });
    expect(await stored(world, job)).toMatchObject({ holderFactoryId: "f1" });
  });
});
