import { expect, it } from "vitest";
import { patch } from "../../shared/core/patch.js";
import { reap } from "../../shared/core/reap.js";
import { submit } from "../../shared/core/submit.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { submission } from "../../shared/schema/requests.js";
import { justBefore, loseAnswer, reads, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";

const content = (given: object = {}) =>
  submission.parse({ idempotencyKey: "build-1", bodyMd: "Build the login page.", ...given });

onEachStore("submit", (open) => {
  it("creates a queued job that says what was asked for", async () => {
    const { fleet } = aWorld(await open());
    const submitted = await submit(
      fleet,
      PRODUCT,
      content({ priority: "high", capabilities: ["linux", "gpu", "linux"] }),
    );
    expect(submitted).toMatchObject({
      kind: "created",
      job: {
        id: jobIdOf(PRODUCT, "build-1"),
        stage: "queued",
        bodyMd: "Build the login page.",
        priority: "high",
        capabilities: ["linux", "gpu"],
        leaseEpoch: 0,
        attempt: 0,
      },
    });
  });

  it("keeps instructions verbatim, whatever characters they have", async () => {
    const world = aWorld(await open());
    const bodyMd = "# Ünïcödé \u0000 \u2028 🏭\r\n\t```js\nlet a = '\\n'\n```  ";
    const job = await aJob(world, { idempotencyKey: "verbatim", bodyMd });
    expect((await stored(world, job)).bodyMd).toBe(bodyMd);
  });

  it("answers the existing job when the same content comes again under the same key", async () => {
    const { fleet } = aWorld(await open());
    const first = await submit(
      fleet,
      PRODUCT,
      content({ capabilities: ["a", "b"], manifestSnapshot: { x: 1, y: 2 } }),
    );
    const again = await submit(
      fleet,
      PRODUCT,
      content({ capabilities: ["b", "a"], manifestSnapshot: { y: 2, x: 1 } }),
    );
    expect(again).toEqual({ ...first, kind: "existing" });
  });

  it("supersedes a queued job when other content comes under its key", async () => {
    const world = aWorld(await open());
    const first = await aJob(world, { idempotencyKey: "build-1", bodyMd: "old", priority: "low" });
    const second = await submit(world.fleet, PRODUCT, content({ bodyMd: "new" }));
    expect(second).toMatchObject({
      kind: "superseded",
      job: {
        id: first.id,
        bodyMd: "new",
        priority: "medium",
        stage: "queued",
        order: first.order,
        createdAt: first.createdAt,
      },
    });
  });

  it("does not bring superseded content back when a duplicate of it comes late", async () => {
    const { fleet } = aWorld(await open());
    await submit(fleet, PRODUCT, content({ bodyMd: "old" }));
    await submit(fleet, PRODUCT, content({ bodyMd: "new" }));
    const late = await submit(fleet, PRODUCT, content({ bodyMd: "old" }));
    expect(late).toMatchObject({ kind: "outdated", job: { bodyMd: "new" } });
  });

  it("refuses other content once a factory works on the job", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "build-1", bodyMd: "old" });
    await mustClaim(world, await aFactory(world, "f1"));
    const refused = await submit(world.fleet, PRODUCT, content({ bodyMd: "new" }));
    expect(refused).toEqual({ kind: "idempotency_conflict", jobId: job.id, stage: "assigned" });
    expect((await stored(world, job)).bodyMd).toBe("old");
  });

  it("keeps a key's job for ever: content of a shipped job is existing, other content a conflict", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "build-1", bodyMd: "done" });
    const { lease } = await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, {
      factoryId: "f1",
      leaseEpoch: lease.leaseEpoch,
      stage: "shipped",
    });
    expect(await submit(world.fleet, PRODUCT, content({ bodyMd: "done" }))).toMatchObject({
      kind: "existing",
      job: { stage: "shipped" },
    });
    expect(await submit(world.fleet, PRODUCT, content({ bodyMd: "more" }))).toMatchObject({
      kind: "idempotency_conflict",
      stage: "shipped",
    });
  });

  it("makes one job of twenty submissions at once", async () => {
    const { fleet } = aWorld(await open());
    const all = await Promise.all(Array.from({ length: 20 }, () => submit(fleet, PRODUCT, content())));
    expect(all.filter(({ kind }) => kind === "created")).toHaveLength(1);
    expect(all.filter(({ kind }) => kind === "existing")).toHaveLength(19);
  });

  it("ends with one of twenty contents when twenty differ, and each was accepted once", async () => {
    const world = aWorld(await open());
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => submit(world.fleet, PRODUCT, content({ bodyMd: `content ${n}` }))),
    );
    expect(all.filter(({ kind }) => kind === "created")).toHaveLength(1);
    expect(all.filter(({ kind }) => kind === "superseded")).toHaveLength(19);
    const job = await stored(world, { id: jobIdOf(PRODUCT, "build-1"), productId: PRODUCT });
    expect(new Set([...job.pastHashes, job.contentHash]).size).toBe(20);
  });

  it("gives the same key of two products two jobs", async () => {
    const world = aWorld(await open());
    const ours = await aJob(world, { idempotencyKey: "build-1" }, "acme");
    const theirs = await aJob(world, { idempotencyKey: "build-1" }, "umbrella");
    expect(ours.id).not.toBe(theirs.id);
    expect(await world.fleet.jobs.get("umbrella", ours.id)).toBeUndefined();
  });

  it("says created when its own answer from the store was lost", async () => {
    const { fleet } = aWorld(loseAnswer(await open(), writes("fleet_jobs")));
    expect(await submit(fleet, PRODUCT, content())).toMatchObject({ kind: "created", job: { eventSeq: 1 } });
  });

  it("supersedes once when the answer of the superseding write was lost", async () => {
    const store = await open();
    await submit(aWorld(store).fleet, PRODUCT, content({ bodyMd: "old" }));
    const unlucky = aWorld(
      loseAnswer(store, (call) => call.method === "replaceIfMatch"),
      { name: "two" },
    );
    const superseded = await submit(unlucky.fleet, PRODUCT, content({ bodyMd: "new" }));
    expect(superseded).toMatchObject({ kind: "superseded", job: { bodyMd: "new", eventSeq: 2 } });
  });

  it("forgets checkpoint, attempt and failure of the content that was superseded, but not the epoch", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "build-1", bodyMd: "old" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, {
      factoryId: "f1",
      leaseEpoch: 1,
      checkpoint: { wipBranch: "wip/1" },
    });
    world.clock.advance(1000);
    await reap(world.fleet, PRODUCT, job.id);
    await submit(world.fleet, PRODUCT, content({ bodyMd: "new" }));
    const now = await stored(world, job);
    expect(now).toMatchObject({ stage: "queued", attempt: 0, leaseEpoch: 2 });
    expect(now.checkpoint).toBeUndefined();
  });

  it("is told that it created the job when its answer was lost, and the job was claimed meanwhile", async () => {
    const store = await open();
    const world = aWorld(store);
    await aFactory(world, "f1");
    const unlucky = justBefore(loseAnswer(store, writes("fleet_jobs")), reads("fleet_jobs"), () =>
      mustClaim(world, "f1"),
    );
    const producer = aWorld(unlucky, { name: "two", clock: world.clock });
    expect(await submit(producer.fleet, PRODUCT, content())).toMatchObject({ kind: "created" });
  });
});
