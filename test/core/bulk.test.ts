import { expect, it } from "vitest";
import { bulk } from "../../shared/core/bulk.js";
import { cancel } from "../../shared/core/cancel.js";
import { patch } from "../../shared/core/patch.js";
import { StoreThrottled } from "../../shared/core/ports/store.js";
import type { JobPlace } from "../../shared/core/repositories/jobs.js";
import type { BulkRequest } from "../../shared/schema/requests.js";
import { intercept, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const cancelled = (world: World, id: string, key?: string) =>
  cancel(world.fleet, PRODUCT, id, { reason: "not needed" }, key);

onEachStore("in bulk", (open) => {
  const all: BulkRequest = { action: "cancel", filter: {}, dryRun: false };

  it("cancels what passes the filter, page by page, and a dry run only counts", async () => {
    const world = aWorld(await open());
    const parent = await aJob(world, { idempotencyKey: "parent", kind: "composite" });
    for (let n = 0; n < 105; n++) await aJob(world, { idempotencyKey: `c${n}`, parentId: parent.id });
    const request: BulkRequest = { ...all, filter: { parentId: parent.id } };
    const dry = await bulk(world.fleet, PRODUCT, { ...request, dryRun: true }, undefined);
    expect(dry).toMatchObject({ matched: 100, changed: 0 });
    expect(await world.fleet.jobs.countByStage(PRODUCT, "queued")).toBe(106);

    let next: JobPlace | undefined;
    const changed: number[] = [];
    do {
      const done = await bulk(world.fleet, PRODUCT, request, next);
      changed.push(done.changed);
      next = done.next;
    } while (next !== undefined);
    expect(changed).toEqual([100, 5]);
    expect(await stored(world, parent)).toMatchObject({ stage: "queued" });
    expect(await world.fleet.jobs.countByStage(PRODUCT, "failed")).toBe(105);
  });

  it("redrives what others depend on before those, so that none fails with it again", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    const job = await aJob(world, { idempotencyKey: "a", deps: [dep.id], onDependencyFailure: "fail" });
    await cancelled(world, dep.id);
    expect(await stored(world, job)).toMatchObject({ stage: "failed" });
    const request: BulkRequest = { action: "redrive", filter: {}, dryRun: false };
    expect(await bulk(world.fleet, PRODUCT, request, undefined)).toMatchObject({ changed: 2, refused: 0 });
    expect(await stored(world, job)).toMatchObject({ stage: "blocked" });
  });

  it("says how far it came when the store refuses midway, and goes on from there", async () => {
    const store = await open();
    const world = aWorld(store);
    for (const idempotencyKey of ["a", "b", "c"]) await aJob(world, { idempotencyKey });
    // The first job takes two writes: one that ends it, one that it is done with.
    const second = writes("fleet_jobs", 3);
    const busy = intercept(store, (call, proceed) =>
      second(call) ? Promise.reject(new StoreThrottled(1)) : proceed(),
    );
    const troubled = aWorld(busy, { name: "two", clock: world.clock });
    const first = await bulk(troubled.fleet, PRODUCT, all, undefined);
    expect(first.changed).toBeLessThan(3);
    expect(first.next).toBeDefined();
    const rest = await bulk(world.fleet, PRODUCT, all, first.next);
    expect(first.changed + rest.changed).toBe(3);
  });

  it("redrives by stage and age, and says what it could not change", async () => {
    const world = aWorld(await open());
    const old = await aJob(world, { idempotencyKey: "old" });
    const broke = await aJob(world, { idempotencyKey: "broke", budget: { tokens: 1 } });
    await aFactory(world, "f1");
    for (const id of [old.id, broke.id]) {
      await mustClaim(world, "f1");
      await patch(world.fleet, PRODUCT, id, { ...who, stage: "failed", insights: { tokensIn: 2 } });
    }
    world.clock.advance(60);
    const young = await aJob(world, { idempotencyKey: "young" });
    await cancelled(world, young.id);
    const request: BulkRequest = {
      action: "redrive",
      filter: { stage: "failed", olderThan: young.createdAt },
      dryRun: false,
    };
    expect(await bulk(world.fleet, PRODUCT, request, undefined)).toEqual({
      matched: 2,
      changed: 1,
      refused: 1,
      next: undefined,
    });
    expect(await stored(world, old)).toMatchObject({ stage: "queued" });
    expect(await stored(world, young)).toMatchObject({ stage: "failed" });
  });
});
