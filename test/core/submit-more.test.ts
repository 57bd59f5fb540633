/** What a submission keeps when it supersedes, where it stops, and what it says when the store is in trouble. */
import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { StoreThrottled } from "../../shared/core/ports/store.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { reap } from "../../shared/core/reap.js";
import { submit } from "../../shared/core/submit.js";
import { PAST_HASHES_MAX } from "../../shared/schema/limits.js";
import { submission } from "../../shared/schema/requests.js";
import { intercept } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, stored } from "../support/world.js";

const content = (given: object = {}) => submission.parse({ idempotencyKey: "a", bodyMd: "x", ...given });

onEachStore("superseding", (open) => {
  it("is allowed while the job is blocked, too", async () => {
    const world = aWorld(await open());
    const dep = await aJob(world, { idempotencyKey: "dep" });
    await aJob(world, { idempotencyKey: "a", deps: [dep.id] });
    expect(await submit(world.fleet, PRODUCT, content({ bodyMd: "other" }))).toMatchObject({
      kind: "superseded",
      job: { stage: "queued", deps: [] },
    });
  });

  it("leaves a claim's name on the job: repeated, that claim has ended, and takes no other job", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const named = { factoryId: "f1", claimId: "c-1" };
    await claim(world.fleet, PRODUCT, named);
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    await submit(world.fleet, PRODUCT, content({ bodyMd: "other" }));
    await aFactory(world, "f1");
    expect(await claim(world.fleet, PRODUCT, named)).toEqual({ kind: "nothing", reason: "claim_ended" });
  });

  it("puts no claim's name on a job that never had one", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await submit(world.fleet, PRODUCT, content({ bodyMd: "other" }));
    expect(await stored(world, job)).not.toHaveProperty("claimId");
  });

  it("is told, as is submitting, with the content's hash", async () => {
    const world = aWorld(await open());
    const first = await aJob(world, { idempotencyKey: "a" });
    expect(first.outbox).toMatchObject([
      { seq: 1, type: "submitted", data: { to: "queued", contentHash: first.contentHash } },
    ]);
    expect(first.outbox[0]?.data).not.toHaveProperty("from");
    await submit(world.fleet, PRODUCT, content({ bodyMd: "other" }));
    const second = await stored(world, first);
    expect(second.outbox).toMatchObject([
      { seq: 2, type: "superseded", data: { from: "queued", contentHash: second.contentHash } },
    ]);
    expect(second.contentHash).not.toBe(first.contentHash);
  });

  it("is possible as often as the job can remember, and then a conflict", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await world.fleet.jobs.get(PRODUCT, job.id).then((read) => {
      if (read === undefined) throw new Error("not found");
      const pastHashes = Array.from({ length: PAST_HASHES_MAX - 1 }, (_, n) => `h${n}`);
      return world.fleet.jobs.replaceIfMatch(read, { ...read.doc, pastHashes });
    });
    expect(await submit(world.fleet, PRODUCT, content({ bodyMd: "last" }))).toMatchObject({
      kind: "superseded",
    });
    expect(await submit(world.fleet, PRODUCT, content({ bodyMd: "one more" }))).toEqual({
      kind: "idempotency_conflict",
      jobId: job.id,
      stage: "queued",
    });
    expect((await stored(world, job)).pastHashes).toHaveLength(PAST_HASHES_MAX);
  });
});

onEachStore("a submission", (open) => {
  it("that names itself is a cycle of one", async () => {
    const world = aWorld(await open());
    const id = jobIdOf(PRODUCT, "a");
    expect(await submit(world.fleet, PRODUCT, content({ deps: [id] }))).toEqual({
      kind: "dependency_cycle",
      cycle: [id, id],
    });
  });

  it("costs one write where the key is new", async () => {
    const store = await open();
    const calls: string[] = [];
    const world = aWorld(
      intercept(store, (call, proceed) => {
        calls.push(`${call.method} ${call.container}`);
        return proceed();
      }),
    );
    await submit(world.fleet, PRODUCT, content());
    expect(calls).toEqual(["create fleet_jobs"]);
  });

  const creates = (call: Call): boolean => call.method === "create";
  const looks = (call: Call): boolean => call.method === "read";

  it.each([
    ["at once", "b", creates],
    ["when it looks at the job that has its key", "a", looks],
  ])("that is throttled %s says that nothing was done", async (_when, idempotencyKey, throttles) => {
    const store = await open();
    await aJob(aWorld(store), { idempotencyKey: "a" });
    const throttled = aWorld(
      intercept(store, (call, proceed) =>
        throttles(call) ? Promise.reject(new StoreThrottled(1)) : proceed(),
      ),
    );
    await expect(submit(throttled.fleet, PRODUCT, content({ idempotencyKey }))).rejects.toThrow(
      StoreThrottled,
    );
  });
});
