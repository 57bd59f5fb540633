import { expect, it } from "vitest";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";
import { allJobs, entry, idOf, kinds, results, send } from "../support/batches.js";
import { Crash, crashAfter, intercept, justBefore, loseAnswer, writes } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { aFactory, aJob, aWorld, mustClaim } from "../support/world.js";

/** Fails the writes of one job, as often as it is tried. */
const failing = (store: Store, key: string, error: Error): Store =>
  intercept(store, (call, proceed) =>
    call.method === "create" && call.doc["idempotencyKey"] === key ? Promise.reject(error) : proceed(),
  );

onEachStore("a batch that bad luck meets", (open) => {
  const chain = [entry("d", ["c"]), entry("c", ["b"]), entry("b", ["a"]), entry("a")] as const;

  it.each([1, 2, 3, 4])(
    "that died after its write %d of jobs is completed by its repetition",
    async (nth) => {
      const store = await open();
      const dying = aWorld(crashAfter(store, writes("fleet_jobs", nth)));
      await expect(send(dying, ...chain)).rejects.toThrow(Crash);
      const world = aWorld(store, { clock: dying.clock, name: "two" });
      const again = await results(world, ...chain);
      expect(new Set(kinds(again))).toEqual(new Set(nth === 1 ? ["created", "existing"] : kinds(again)));
      expect(again[3]?.kind).toBe("existing");
      expect((await allJobs(world)).map(({ idempotencyKey }) => idempotencyKey).toSorted()).toEqual([
        "a",
        "b",
        "c",
        "d",
      ]);
    },
  );

  it("keeps what is done when the store fails in the middle, and tells the rest that it was not tried", async () => {
    const store = await open();
    const error = new StoreUnavailable("down");
    const world = aWorld(failing(store, "b", error));
    const found = await results(world, ...chain);
    expect(kinds(found)).toEqual(["not_tried", "not_tried", "store_failed", "created"]);
    expect(found[0]).toEqual({ kind: "not_tried" });
    const whole = await results(aWorld(store, { clock: world.clock, name: "two" }), ...chain);
    expect(kinds(whole)).toEqual(["created", "created", "created", "existing"]);
  });

  it("begins no further job once the store failed", async () => {
    const store = await open();
    const jobs = Array.from({ length: 30 }, (_, n) => entry(`k${n}`));
    let creates = 0;
    const ailing = intercept(store, (call, proceed) => {
      if (call.method !== "create" || call.container !== "fleet_jobs") return proceed();
      return ++creates === 3 ? Promise.reject(new StoreThrottled(1)) : proceed();
    });
    const found = await results(aWorld(ailing), ...jobs);
    expect(kinds(found).filter((kind) => kind === "store_failed")).toHaveLength(1);
    expect(creates).toBeLessThan(20);
    expect(kinds(found).filter((kind) => kind === "not_tried").length).toBeGreaterThan(10);
  });

  it.each([
    ["429 that nothing was done", new StoreThrottled(7), StoreThrottled],
    ["503 that nobody knows", new StoreUnavailable("down"), StoreUnavailable],
  ])("that got nothing done says so as one job would: %s", async (_what, error, type) => {
    const store = await open();
    const world = aWorld(failing(store, "a", error));
    await expect(send(world, ...chain)).rejects.toBeInstanceOf(type);
    expect(await allJobs(aWorld(store))).toEqual([]);
  });

  it("does not lose a job whose create had no answer", async () => {
    const store = await open();
    const world = aWorld(loseAnswer(store, writes("fleet_jobs", 2)));
    expect(kinds(await results(world, ...chain))).toEqual(["created", "created", "created", "created"]);
  });

  it("writes nothing while it is judged: a store that can't be read refuses it whole", async () => {
    const store = await open();
    const unreadable = intercept(store, (call, proceed) =>
      call.method === "read" ? Promise.reject(new StoreThrottled(1)) : proceed(),
    );
    await expect(send(aWorld(unreadable), ...chain)).rejects.toThrow(StoreThrottled);
    expect(await allJobs(aWorld(store))).toEqual([]);
  });

  it("does not try what depends on a job that was taken with other content meanwhile, and does the rest", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "b", bodyMd: "old" });
    await aFactory(world, "f1");
    world.clock.advance(1);
    // b is queued while the batch is judged, and claimed right before it is written.
    const createsB = (call: Call) => call.method === "create" && call.doc["idempotencyKey"] === "b";
    const racing = justBefore(store, createsB, () => mustClaim(world, "f1"));
    const two = aWorld(racing, { clock: world.clock, name: "two" });
    const found = await results(two, entry("d", ["c"]), entry("c", ["b"]), entry("b"), entry("a"));
    expect(kinds(found)).toEqual(["not_tried", "not_tried", "idempotency_conflict", "created"]);
    const refusal = { kind: "idempotency_conflict", jobId: idOf("b"), stage: "assigned" };
    expect(found[0]).toEqual({ kind: "not_tried", because: { index: 2, refusal } });
  });

  it("makes each job once when twenty send it at once", async () => {
    const store = await open();
    const worlds = Array.from({ length: 20 }, (_, n) => aWorld(store, { name: `w${n}` }));
    const all = await Promise.all(worlds.map((world) => results(world, ...chain)));
    for (const place of [0, 1, 2, 3]) {
      const outcomes = all.map((each) => each[place]?.kind);
      expect(outcomes.filter((kind) => kind === "created")).toHaveLength(1);
      expect(outcomes.filter((kind) => kind === "existing")).toHaveLength(19);
    }
  });
});
