/** What a change of a job remembers, stores and reads; and what it says when the store refuses. */
import { describe, expect, it } from "vitest";
import { changeJob, operation } from "../../shared/core/change-job.js";
import type { Change } from "../../shared/core/change-job.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";
import type { Job } from "../../shared/schema/job.js";
import { OUTBOX_HALF, RECENT_OPS_MAX } from "../../shared/schema/limits.js";
import { aDocument } from "../support/documents.js";
import { intercept } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aJob, aWorld, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const event = (seq: number) => ({
  seq,
  type: "checkpointed" as const,
  at: "2026-01-15T12:00:00.000Z",
  data: {},
});
const events = (count: number) => Array.from({ length: count }, (_, n) => event(n + 1));

function aChange({ fleet }: World, given: Partial<Change<string>> = {}): Change<string> {
  return {
    productId: PRODUCT,
    jobId: "job-1",
    operation: operation(fleet, { route: "test" }, {}),
    storeEvents: "always",
    judge: (job) => ({ kind: "write", next: { ...job, exit: (job.exit ?? 0) + 1 }, answer: "written" }),
    repeated: () => "repeated",
    ...given,
  };
}

async function created(world: World, given: Partial<Job>): Promise<Job> {
  const job = aDocument.fleet_jobs(given);
  await world.fleet.jobs.create(job);
  return job;
}

describe("an operation's name", () => {
  const ids = { unique: () => "u-1" };

  it("is short, and is as long with a key as without", () => {
    const scope = { route: "patch", factoryId: "f1", leaseEpoch: 1 };
    for (const named of [operation({ ids }, scope, {}), operation({ ids }, { ...scope, key: "k" }, {})])
      expect([named.op.length, named.body.length]).toEqual([22, 22]);
  });

  it("without a key is marked as good for one call, and is no key that a caller could choose", () => {
    const once = operation({ ids }, { route: "patch" }, {});
    const keyed = operation({ ids }, { route: "patch", key: "u-1" }, {});
    expect(once.once).toBe(true);
    expect(keyed).not.toHaveProperty("once");
    expect(once.op).not.toBe(keyed.op);
  });

  it("tells bodies apart, and not the order of their properties", () => {
    const named = (body: unknown) => operation({ ids }, { route: "patch", key: "k" }, body).body;
    expect(named({ a: 1, b: 2 })).toBe(named({ b: 2, a: 1 }));
    expect(named({ a: 1 })).not.toBe(named({ a: 2 }));
  });

  it("is another on another route", () => {
    const named = (route: string) => operation({ ids }, { route, key: "k" }, {}).op;
    expect(named("patch")).not.toBe(named("release"));
  });
});

onEachStore("a job's memory", (open) => {
  it("keeps the last operations with a key, and of those without only as many as are under way", async () => {
    const world = aWorld(await open());
    const keyed = Array.from({ length: 50 }, (_, n) => ({ op: `key-${n}`, body: "b" }));
    const once = Array.from({ length: 10 }, (_, n) => ({ op: `once-${n}`, body: "b", once: true as const }));
    const job = await created(world, { recentOps: [...once, ...keyed] });
    const change = aChange(world);
    await changeJob(world.fleet, change);
    const names = (await stored(world, job)).recentOps.map(({ op }) => op);
    expect(names).toEqual([
      ...once.slice(3).map(({ op }) => op),
      ...keyed.map(({ op }) => op),
      change.operation.op,
    ]);
  });

  it("is bounded: the oldest goes first", async () => {
    const world = aWorld(await open());
    const full = Array.from({ length: RECENT_OPS_MAX }, (_, n) => ({ op: `key-${n}`, body: "b" }));
    const job = await created(world, { recentOps: full });
    await changeJob(world.fleet, aChange(world));
    const names = (await stored(world, job)).recentOps.map(({ op }) => op);
    expect(names).toHaveLength(RECENT_OPS_MAX);
    expect(names[0]).toBe("key-1");
  });
});

onEachStore("an outbox", (open) => {
  it.each([
    ["under half full may stay where it is", OUTBOX_HALF - 1, 0],
    ["half full is stored", OUTBOX_HALF, OUTBOX_HALF],
  ])("that is %s when a change is in a hurry", async (_what, waiting, storedThen) => {
    const world = aWorld(await open());
    const job = await created(world, { outbox: events(waiting), eventSeq: waiting });
    await changeJob(world.fleet, aChange(world, { storeEvents: "when_half_full" }));
    expect((await world.fleet.events.list(job.id, 50)).value).toHaveLength(storedThen);
    expect((await stored(world, job)).outbox).toHaveLength(waiting - storedThen);
  });

  it("is stored whole otherwise, and only then left out", async () => {
    const world = aWorld(await open());
    const job = await created(world, { outbox: events(2), eventSeq: 2 });
    const next = event(3);
    await changeJob(
      world.fleet,
      aChange(world, {
        judge: (read) => ({
          kind: "write",
          next: { ...read, eventSeq: 3, outbox: [...read.outbox, next] },
          answer: "written",
        }),
      }),
    );
    expect((await world.fleet.events.list(job.id, 50)).value).toEqual(events(2));
    expect((await stored(world, job)).outbox).toEqual([next]);
  });
});

onEachStore("a change", (open) => {
  const counting = (store: Store, count: (call: Call) => void): Store =>
    intercept(store, (call, proceed) => {
      count(call);
      return proceed();
    });

  it("of a version that was just read reads it no second time, and reads again after a lost race", async () => {
    let reads = 0;
    const world = aWorld(
      counting(await open(), (call) => {
        if (call.method === "read") reads++;
      }),
    );
    await created(world, {});
    const known = await world.fleet.jobs.get(PRODUCT, "job-1");
    reads = 0;
    expect(await changeJob(world.fleet, aChange(world, { known }))).toMatchObject({ kind: "changed" });
    expect(reads).toBe(0);
    // That version is old by now.
    expect(await changeJob(world.fleet, aChange(world, { known }))).toMatchObject({ kind: "changed" });
    expect(reads).toBe(1);
    expect((await stored(world, { id: "job-1", productId: PRODUCT })).exit).toBe(2);
  });

  it("that may have happened is not called throttled, though it is throttled afterwards", async () => {
    let silent = false;
    const world = aWorld(
      intercept(await open(), (call, proceed) => {
        if (silent) return Promise.reject(new StoreThrottled(1));
        if (call.method !== "replaceIfMatch") return proceed();
        silent = true;
        return Promise.reject(new StoreUnavailable("no answer"));
      }),
    );
    await created(world, {});
    await expect(changeJob(world.fleet, aChange(world))).rejects.toThrow(StoreUnavailable);
  });

  it("says whether it wrote, had nothing to write, or was not allowed", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    const made = (given: Partial<Change<string>>) =>
      changeJob(world.fleet, aChange(world, { jobId: job.id, ...given }));
    expect(await made({})).toMatchObject({ kind: "changed", answer: "written", job: { doc: { exit: 1 } } });
    const settled = { kind: "settled", answer: "as it is" } as const;
    expect(await made({ judge: () => settled })).toMatchObject({ kind: "unchanged", answer: "as it is" });
    const refused = { kind: "refused", answer: "no" } as const;
    expect(await made({ judge: () => refused })).toMatchObject({ kind: "refused", answer: "no" });
    expect(await made({ jobId: "nobody" })).toEqual({ kind: "not_found" });
    expect((await stored(world, job)).exit).toBe(1);
  });
});
