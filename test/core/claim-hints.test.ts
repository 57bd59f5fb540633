/** What the candidates' query says is a hint: the job is judged again on the document that is written. */
import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { reap } from "../../shared/core/reap.js";
import { submit } from "../../shared/core/submit.js";
import { toInstant } from "../../shared/schema/primitives.js";
import { submission } from "../../shared/schema/requests.js";
import type { Job } from "../../shared/schema/job.js";
import type { Store } from "../../shared/core/ports/store.js";
import { intercept, justBefore, loseAnswer, writes } from "../support/intercept.js";
import type { Call } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const readsAJob = (call: Call): boolean => call.method === "read" && call.container === "fleet_jobs";

/** Another instance, for which `meanwhile` happens between the hint and the reading of the job. */
function afterTheHint(store: Store, world: World, meanwhile: () => Promise<unknown>): World {
  return aWorld(justBefore(store, readsAJob, meanwhile), { name: "two", clock: world.clock });
}

async function change({ fleet }: World, job: Job, given: Partial<Job>): Promise<void> {
  const read = await fleet.jobs.get(job.productId, job.id);
  if (read === undefined) throw new Error("not found");
  await fleet.jobs.replaceIfMatch(read, { ...read.doc, ...given });
}

onEachStore("a claim whose hint is old", (open) => {
  it.each([
    ["now needs a capability that the factory lacks", { capabilities: ["linux", "gpu"] }],
    ["now needs an engine that the factory lacks", { engineClass: "codex" }],
  ])("does not take a job that %s", async (_what, given) => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1", { capabilities: ["linux"], engines: ["claude"] });
    const late = afterTheHint(store, world, () =>
      submit(world.fleet, PRODUCT, submission.parse({ idempotencyKey: "a", bodyMd: "other", ...given })),
    );
    expect(await claim(late.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ kind: "nothing" });
    expect(await stored(world, job)).toMatchObject({ stage: "queued", leaseEpoch: 0 });
  });

  it("takes a job that still asks for no more than the factory has", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1", { capabilities: ["linux", "gpu"], engines: ["claude", "codex"] });
    const given = { capabilities: ["gpu"], engineClass: "codex" };
    const late = afterTheHint(store, world, () =>
      submit(world.fleet, PRODUCT, submission.parse({ idempotencyKey: "a", bodyMd: "other", ...given })),
    );
    expect(await mustClaim(late, "f1")).toMatchObject({ run: { engine: "codex" } });
  });

  it("does not take a job that is to wait, until the very millisecond it may be taken", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a", capabilities: ["linux"] });
    await aFactory(world, "f1", { capabilities: ["linux"] });
    const notBefore = toInstant(world.clock.now() + 1);
    const late = afterTheHint(store, world, () => change(world, job, { notBefore }));
    expect(await claim(late.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({ kind: "nothing" });
    expect(await claim(world.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "no_job",
    });
    world.clock.advance(0.001);
    expect((await mustClaim(world, "f1")).job.notBefore).toBeUndefined();
  });

  it("takes a job whose wait is over by the moment it is judged", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const late = afterTheHint(store, world, () =>
      change(world, job, { notBefore: toInstant(world.clock.now()) }),
    );
    expect((await mustClaim(late, "f1")).job.id).toBe(job.id);
  });

  it("gives up in bounded time when every hint is another's job, and says contended", async () => {
    const store = await open();
    const world = aWorld(store);
    const jobs: Job[] = [];
    for (let n = 0; n < 3; n++) jobs.push(await aJob(world, { idempotencyKey: `j${n}` }));
    await aFactory(world, "f2");
    for (let n = 0; n < 3; n++) await mustClaim(world, "f2");
    await aFactory(world, "f1");
    let queries = 0;
    const reads: string[] = [];
    const outdated = intercept(store, async (call, proceed) => {
      const answer = await proceed();
      if (call.method === "read" && call.container === "fleet_jobs")
        reads.push((answer as { doc: Job }).doc.id);
      if (call.method !== "query") return answer;
      queries++;
      return { value: jobs.map(({ id }) => ({ id })), more: false };
    });
    // A loser goes on from the head to its own share, and then to the others', and looks at each once.
    const late = aWorld(outdated, { name: "two", clock: world.clock, chance: 0.99 });
    expect(await claim(late.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "contended",
    });
    expect(queries).toBe(8);
    const [a, b, c] = jobs.map(({ id }) => id);
    expect(reads[0]).toBe(a);
    expect(reads.slice(1, 3).toSorted()).toEqual([b, c].toSorted());
    expect(reads.length).toBe(24);
  });

  it("walks on from a job that is gone", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    const second = await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    let reads = 0;
    const gone = intercept(store, (call, proceed) =>
      readsAJob(call) && ++reads === 1 ? Promise.resolve(undefined) : proceed(),
    );
    expect((await mustClaim(aWorld(gone, { name: "two", clock: world.clock }), "f1")).job.id).toBe(second.id);
  });
});

onEachStore("a claim that won, and lost at once", (open) => {
  it("does not take a second job when the first was reaped before it learned that it had won", async () => {
    const store = await open();
    const world = aWorld(store);
    const first = await aJob(world, { idempotencyKey: "a" });
    const second = await aJob(world, { idempotencyKey: "b" });
    await aFactory(world, "f1");
    const slow = intercept(loseAnswer(store, writes("fleet_jobs")), async (_call, proceed) => {
      try {
        return await proceed();
      } catch (error) {
        world.clock.advance(1000);
        expect(await reap(world.fleet, PRODUCT, first.id)).toBe(true);
        throw error;
      }
    });
    const unlucky = aWorld(slow, { name: "two", clock: world.clock });
    expect(await claim(unlucky.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "contended",
    });
    expect(await stored(world, first)).toMatchObject({ stage: "queued", leaseEpoch: 2 });
    expect(await stored(world, second)).toMatchObject({ stage: "queued", leaseEpoch: 0 });
  });

  it("gets the job whose write was not answered, with lease and run", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    const unlucky = aWorld(loseAnswer(store, writes("fleet_jobs")), { name: "two", clock: world.clock });
    expect(await claim(unlucky.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({
      kind: "claimed",
      job: { id: job.id, leaseEpoch: 1, attempt: 1 },
      lease: { leaseEpoch: 1 },
    });
  });

  it("leaves the queue alone when a reap on its behalf found nothing", async () => {
    const store = await open();
    const world = aWorld(store);
    await aFactory(world, "f1");
    let queries = 0;
    const counting = intercept(store, (call, proceed) => {
      if (call.method === "query" && call.container === "fleet_jobs") queries++;
      return proceed();
    });
    const two = aWorld(counting, { name: "two", clock: world.clock });
    expect(await claim(two.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "no_job",
    });
    // Candidates; owned jobs from a random place, and from the start; why there is nothing.
    expect(queries).toBe(4);
  });
});
