/** QUEUED_JOBS_MAX: how many jobs of one product may wait. */
import { expect, it } from "vitest";
import { bulk } from "../../shared/core/bulk.js";
import { cancel } from "../../shared/core/cancel.js";
import { redrive } from "../../shared/core/redrive.js";
import { submit } from "../../shared/core/submit.js";
import { StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";
import { submission } from "../../shared/schema/requests.js";
import { allJobs, entry, kinds, results, send } from "../support/batches.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

/** Longer than a count is good for, in seconds. */
const UNTIL_COUNTED = 6;
const limited = (store: Store, queuedJobsMax: number, name = "one") => aWorld(store, { queuedJobsMax, name });
const content = (idempotencyKey: string, given: object = {}) =>
  submission.parse({ idempotencyKey, bodyMd: "x", ...given });
const put = ({ fleet }: World, key: string, given: object = {}, product = PRODUCT) =>
  submit(fleet, product, content(key, given));
const full = { kind: "queue_full", retryAfterSeconds: 5 };

/** The store, with a list of what was asked of it. */
async function watched(open: () => Promise<Store>) {
  const calls: string[] = [];
  const store = intercept(await open(), (call, proceed) => {
    calls.push(call.method);
    return proceed();
  });
  return { store, calls };
}

onEachStore("a queue with room for so many", (open) => {
  it("takes them, queued or blocked, and refuses the next one without a write", async () => {
    const { store, calls } = await watched(open);
    const world = limited(store, 3);
    const dep = await aJob(world, { idempotencyKey: "a" });
    await aJob(world, { idempotencyKey: "b", deps: [dep.id] });
    await aJob(world, { idempotencyKey: "c" });
    calls.length = 0;
    expect(await put(world, "d", { capabilities: ["new"] })).toEqual(full);
    // That the key has no job is all that it asks.
    expect(calls).toEqual(["read"]);
    expect(await allJobs(world)).toHaveLength(3);
  });

  it("says so of each product for itself", async () => {
    const world = limited(await open(), 1);
    await put(world, "a");
    expect(await put(world, "b")).toEqual(full);
    expect(await put(world, "b", {}, "other")).toMatchObject({ kind: "created" });
  });

  it("still answers a submission that comes again, and takes a new content of a job that waits", async () => {
    const world = limited(await open(), 1);
    await put(world, "a");
    expect(await put(world, "a")).toMatchObject({ kind: "existing" });
    expect(await put(world, "a", { bodyMd: "y" })).toMatchObject({ kind: "superseded" });
    expect(await put(world, "a")).toMatchObject({ kind: "outdated" });
  });

  it("has room again when jobs are claimed, as soon as they are counted", async () => {
    const world = limited(await open(), 1);
    await put(world, "a");
    await aFactory(world, "f1");
    await mustClaim(world, "f1");
    expect(await put(world, "b")).toEqual(full);
    world.clock.advance(3);
    expect(await put(world, "b")).toEqual({ ...full, retryAfterSeconds: 2 });
    world.clock.advance(3);
    expect(await put(world, "b")).toMatchObject({ kind: "created" });
  });

  it("is never passed by submissions that come at once to one instance", async () => {
    const world = limited(await open(), 5);
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => put(world, `k${n}`)));
    expect(all.filter(({ kind }) => kind === "created")).toHaveLength(5);
    expect(await allJobs(world)).toHaveLength(5);
  });

  it("counts what another instance submitted, a few seconds later", async () => {
    const store = await open();
    const [one, two] = [limited(store, 2, "one"), limited(store, 2, "two")];
    await put(two, "t1");
    await put(one, "o1");
    // It has counted already, and knows of its own alone.
    expect(await put(two, "t2")).toMatchObject({ kind: "created" });
    two.clock.advance(UNTIL_COUNTED);
    expect(await put(two, "t3")).toEqual(full);
    expect(await allJobs(one)).toHaveLength(3);
  });

  it("counts once in five seconds, however many are submitted; and never where it has no bound", async () => {
    const { store, calls } = await watched(open);
    const world = limited(store, 1000);
    for (let n = 0; n < 10; n++) await put(world, `a${n}`);
    // Queued and blocked.
    expect(calls.filter((method) => method === "count")).toHaveLength(2);
    world.clock.advance(UNTIL_COUNTED);
    await Promise.all(Array.from({ length: 5 }, (_, n) => put(world, `b${n}`)));
    expect(calls.filter((method) => method === "count")).toHaveLength(4);

    const unbounded = limited(store, 0, "two");
    calls.length = 0;
    await put(unbounded, "c");
    expect(calls).not.toContain("count");
  });

  it("counts a submission whose answer was lost: it may wait", async () => {
    const store = await open();
    const losing = intercept(store, async (call, proceed) => {
      if (call.method === "read" && call.doc["id"] === undefined) throw new StoreUnavailable("down");
      const answer = await proceed();
      if (call.method === "create" && call.container === "fleet_jobs") throw new StoreUnavailable("lost");
      return answer;
    });
    const world = limited(losing, 1);
    await expect(put(world, "a")).rejects.toThrow(StoreUnavailable);
    await expect(put(world, "b")).rejects.toThrow(StoreUnavailable);
    expect(await allJobs(limited(store, 1, "two"))).toHaveLength(1);
  });
});

onEachStore("a batch for a queue that has too little room", (open) => {
  it("is refused as a whole, and fits when there is room: its rehearsal took none", async () => {
    const world = limited(await open(), 3);
    await put(world, "first");
    await put(world, "second");
    const batch = [entry("a"), entry("b", ["a"])] as const;
    expect(await send(world, ...batch)).toEqual({ kind: "refused", errors: [{ index: 1, refusal: full }] });
    expect(await allJobs(world)).toHaveLength(2);
    expect(await put(world, "third")).toMatchObject({ kind: "created" });
    for (const { id } of await allJobs(world)) await cancel(world.fleet, PRODUCT, id, {});
    world.clock.advance(UNTIL_COUNTED);
    expect(kinds(await results(world, ...batch))).toEqual(["created", "created"]);
  });

  it("is answered where its jobs are there already", async () => {
    const world = limited(await open(), 2);
    const batch = [entry("a"), entry("b", ["a"])] as const;
    await results(world, ...batch);
    expect(kinds(await results(world, ...batch))).toEqual(["existing", "existing"]);
  });
});

onEachStore("a redrive into a queue that is full", (open) => {
  async function aFullWorld() {
    const world = limited(await open(), 2);
    const failed = [await aJob(world, { idempotencyKey: "a" }), await aJob(world, { idempotencyKey: "b" })];
    for (const { id } of failed) await cancel(world.fleet, PRODUCT, id, {});
    world.clock.advance(UNTIL_COUNTED);
    await put(world, "c");
    return { world, failed };
  }

  it("is refused, and leaves the job as it was; repeated with its key it answers all the same", async () => {
    const { world, failed } = await aFullWorld();
    const [a, b] = failed.map((job) => job.id);
    expect(await redrive(world.fleet, PRODUCT, a ?? "", {}, "k-1")).toMatchObject({ kind: "redriven" });
    expect(await redrive(world.fleet, PRODUCT, b ?? "", {}, "k-2")).toEqual(full);
    expect(await redrive(world.fleet, PRODUCT, a ?? "", {}, "k-1")).toMatchObject({ kind: "redriven" });
    expect(await stored(world, { id: b ?? "", productId: PRODUCT })).toMatchObject({ stage: "failed" });
  });

  it("in bulk goes as far as there is room, and says where to go on", async () => {
    const { world } = await aFullWorld();
    const request = { action: "redrive", filter: {}, dryRun: false } as const;
    const first = await bulk(world.fleet, PRODUCT, request);
    expect(first).toMatchObject({ matched: 1, changed: 1, refused: 0, full });
    const again = await bulk(world.fleet, PRODUCT, request, first.next);
    expect(again).toMatchObject({ matched: 0, changed: 0, refused: 0, full });
    for (const { id, stage } of await allJobs(world))
      if (stage === "queued") await cancel(world.fleet, PRODUCT, id, {});
    world.clock.advance(UNTIL_COUNTED);
    expect(await bulk(world.fleet, PRODUCT, request, again.next)).toMatchObject({ changed: 2 });
  });
});
