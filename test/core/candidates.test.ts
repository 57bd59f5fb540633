/** How claims keep out of one another's way; nothing of it is stored, and none of it decides. */
import { describe, expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { intercept } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

const isJobRead = (call: Call): boolean => call.method === "read" && call.container === "fleet_jobs";
const isCandidates = (call: Call): boolean => call.method === "query" && call.container === "fleet_jobs";

/** The same store, counting what claims do with it. */
function counting(store: Store) {
  const counts = { tries: 0, queries: 0 };
  const watched = intercept(store, (call, proceed) => {
    if (isJobRead(call)) counts.tries++;
    if (isCandidates(call)) counts.queries++;
    return proceed();
  });
  return { counts, watched };
}

/** An instance with jobs in the queue, in this order, and a factory with seats for all. */
async function aQueue(world: World, jobs: number, priority: (n: number) => "high" | "low" = () => "high") {
  for (let n = 0; n < jobs; n++)
    await aJob(world, { idempotencyKey: `j${String(n).padStart(3, "0")}`, priority: priority(n) });
  await aFactory(world, "f1", { seatLimit: 1000 });
}

const claimed = (answers: readonly Awaited<ReturnType<typeof claim>>[]): string[] =>
  answers.flatMap((answer) => (answer.kind === "claimed" ? [answer.job.idempotencyKey] : []));

onEachStore("claims of one instance", (open) => {
  it("that run at once never try the same job, and share what a query found", async () => {
    const store = await open();
    const { counts, watched } = counting(store);
    await aQueue(aWorld(store), 16);
    const { fleet } = aWorld(watched);
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => claim(fleet, PRODUCT, { factoryId: "f1" })),
    );
    expect(new Set(claimed(answers)).size).toBe(16);
    expect(counts.tries).toBe(16);
    expect(counts.queries).toBeLessThan(16);
  });

  it("take the oldest of the highest priority, all of them together", async () => {
    const store = await open();
    const world = aWorld(store);
    await aQueue(world, 20, (n) => (n % 2 === 0 ? "low" : "high"));
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => claim(world.fleet, PRODUCT, { factoryId: "f1" })),
    );
    const odd = Array.from({ length: 10 }, (_, n) => `j${String(2 * n + 1).padStart(3, "0")}`);
    expect(claimed(answers).toSorted()).toEqual([...odd, "j000", "j002"].toSorted());
  });

  it("more of them than there are jobs: the others are told contended, and nothing stays in hand", async () => {
    const world = aWorld(await open());
    await aQueue(world, 2);
    const ask = () => claim(world.fleet, PRODUCT, { factoryId: "f1" });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(claimed(answers)).toHaveLength(2);
    expect(answers.filter(({ kind }) => kind === "nothing")).toEqual([
      { kind: "nothing", reason: "contended" },
    ]);
    const { inHand, windows, waiting } = world.fleet.candidates;
    expect([inHand.size, windows.size, waiting.size]).toEqual([0, 0, 0]);
  });

  it("one that is refused gives back what it was about to try", async () => {
    const world = aWorld(await open());
    await aQueue(world, 2);
    await mustClaim(world, "f1");
    await aFactory(world, "f1", { seatLimit: 1 });
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ reason: "seat_limit" });
    await aFactory(world, "f1", { seatLimit: 2 });
    expect((await mustClaim(world, "f1")).job.idempotencyKey).toBe("j001");
    expect(world.fleet.candidates.windows.size).toBe(0);
  });

  it("are all told when the query that they waited for fails, and the next claim asks again", async () => {
    const store = await open();
    await aQueue(aWorld(store), 3);
    let broken = true;
    const failing = intercept(store, (call, proceed) =>
      broken && isCandidates(call) ? Promise.reject(new StoreUnavailable("no answer")) : proceed(),
    );
    const world = aWorld(failing);
    const ask = () => claim(world.fleet, PRODUCT, { factoryId: "f1" });
    const answers = await Promise.allSettled([ask(), ask(), ask()]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    broken = false;
    expect(await ask()).toMatchObject({ kind: "claimed", job: { idempotencyKey: "j000" } });
  });

  it("an instance that dies with jobs in hand loses none: another hands them all out", async () => {
    const store = await open();
    await aQueue(aWorld(store), 4);
    const stuck = aWorld(
      intercept(store, (call, proceed) => (isJobRead(call) ? new Promise(() => {}) : proceed())),
    );
    for (let n = 0; n < 4; n++) void claim(stuck.fleet, PRODUCT, { factoryId: "f1" });
    await expect.poll(() => stuck.fleet.candidates.inHand.size).toBe(4);
    const two = aWorld(store, { name: "two", clock: stuck.clock });
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => claim(two.fleet, PRODUCT, { factoryId: "f1" })),
    );
    expect(claimed(answers)).toHaveLength(4);
  });
});

describe("claims of several instances", () => {
  /** Four instances on one store, each of whose operations lets the others run. */
  async function fourInstances(jobs: number, priority?: (n: number) => "high" | "low") {
    const store = openSqliteStore({ path: ":memory:" });
    const yielding = intercept(store, async (_call, proceed) => {
      await new Promise((resolve) => setImmediate(resolve));
      return proceed();
    });
    const first = aWorld(store);
    await aQueue(first, jobs, priority);
    return { worlds: ["a", "b", "c", "d"].map((name) => aWorld(yielding, { name, clock: first.clock })) };
  }

  /** Each instance lets 16 factories claim, until nothing is left. */
  async function emptied(worlds: readonly World[]): Promise<string[]> {
    const got: string[] = [];
    const worker = async ({ fleet }: World): Promise<void> => {
      for (;;) {
        const answer = await claim(fleet, PRODUCT, { factoryId: "f1" });
        if (answer.kind === "claimed") got.push(answer.job.idempotencyKey);
        else if (answer.kind !== "nothing" || answer.reason !== "contended") return;
      }
    };
    await Promise.all(worlds.flatMap((world) => Array.from({ length: 16 }, () => worker(world))));
    return got;
  }

  it("learn of each other from the races they lose, and lose few after that", async () => {
    const { worlds } = await fourInstances(400);
    const got = await emptied(worlds);
    expect(new Set(got).size).toBe(400);
    const lost = worlds.flatMap(({ decisions }) =>
      decisions.map((told) => ("races" in told ? told.races : 0)),
    );
    expect(1 + lost.reduce((sum, races) => sum + races, 0) / 400).toBeLessThan(2);
    for (const { fleet } of worlds) expect(fleet.candidates.rivals.get(PRODUCT)?.size).toBeGreaterThan(0);
  });

  it("take no job of a lower priority while one of a higher is left", async () => {
    const { worlds } = await fourInstances(200, (n) => (n < 100 ? "low" : "high"));
    const got = await emptied(worlds);
    const last = got.findLastIndex((key) => key >= "j100");
    // 64 claims run at once: so many of the lower may be under way when the last of the higher is told.
    expect(last).toBeLessThan(100 + 64);
  });

  it("forget each other when they meet no more, and the order is exact again", async () => {
    const { worlds } = await fourInstances(100);
    const [one] = worlds;
    if (one === undefined) throw new Error("no instance");
    await Promise.all(
      worlds.flatMap((world) =>
        Array.from({ length: 4 }, () => claim(world.fleet, PRODUCT, { factoryId: "f1" })),
      ),
    );
    one.clock.advance(6);
    const order = [await mustClaim(one, "f1"), await mustClaim(one, "f1"), await mustClaim(one, "f1")];
    const keys = order.map(({ job }) => job.idempotencyKey);
    expect(keys).toEqual(keys.toSorted());
    const waiting = await one.fleet.jobs.candidates(PRODUCT, "any", "2027-01-01T00:00:00.000Z", 1);
    const next = await one.fleet.jobs.get(PRODUCT, waiting[0]?.id ?? "");
    expect((next?.doc.idempotencyKey ?? "") > (keys.at(-1) ?? "")).toBe(true);
  });
});
