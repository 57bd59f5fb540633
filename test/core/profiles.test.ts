import { expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { patch } from "../../shared/core/patch.js";
import { putProfile } from "../../shared/core/profiles.js";
import { release } from "../../shared/core/release.js";
import { withSnapshot, withWhatTheJobKnows } from "../../shared/core/run-history.js";
import { submit } from "../../shared/core/submit.js";
import type { Store } from "../../shared/core/ports/store.js";
import { submission } from "../../shared/schema/requests.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const put = async (world: World, snapshot: unknown, name = "careful") => {
  const { kind, profile } = await putProfile(world.fleet, PRODUCT, name, snapshot);
  return [kind, profile.version];
};

const runsOf = async ({ fleet }: World, jobId: string) => (await fleet.runs.list(jobId, 10)).value;

onEachStore("a profile", (open) => {
  it("has versions that count from 1, and the same content again is the version that it was", async () => {
    const world = aWorld(await open());
    expect(await put(world, { model: "a", turns: 3 })).toEqual(["created", 1]);
    expect(await put(world, { turns: 3, model: "a" })).toEqual(["existing", 1]);
    expect(await put(world, { model: "b" })).toEqual(["created", 2]);
    expect(await put(world, { model: "a", turns: 3 })).toEqual(["existing", 1]);
    expect(await put(world, { model: "a" }, "bold")).toEqual(["created", 1]);
    const other = await putProfile(world.fleet, "umbrella", "careful", { model: "b" });
    expect(other).toMatchObject({ kind: "created", profile: { version: 1 } });
  });

  it("gives twenty contents at once twenty numbers, and one content at once one", async () => {
    const store = await open();
    const worlds = Array.from({ length: 20 }, (_, n) => aWorld(store, { name: `w${n}` }));
    const different = await Promise.all(worlds.map((world, n) => put(world, { n })));
    expect(different.map(([kind]) => kind)).toEqual(worlds.map(() => "created"));
    const numbers = different.map(([, version]) => Number(version)).toSorted((a, b) => a - b);
    expect(numbers).toEqual(worlds.map((_, n) => n + 1));

    const same = await Promise.all(worlds.map((world) => put(world, { same: true })));
    expect(same.filter(([kind]) => kind === "created")).toEqual([["created", 21]]);
    expect(new Set(same.map(([, version]) => version))).toEqual(new Set([21]));
  });

  it("must be there when a job names it, by name or by version", async () => {
    const world = aWorld(await open());
    await put(world, { model: "a" });
    const outcomes: unknown[] = [];
    for (const profile of ["careful", "careful:1", "careful:2", "bold"]) {
      const request = submission.parse({
        idempotencyKey: `of ${profile}`.replace(" ", "-"),
        bodyMd: "",
        profile,
      });
      outcomes.push((await submit(world.fleet, PRODUCT, request)).kind);
    }
    expect(outcomes).toEqual(["created", "created", "unknown_profile", "unknown_profile"]);
  });

  it("is part of a job's content: another one supersedes", async () => {
    const world = aWorld(await open());
    await put(world, { model: "a" });
    const plain = await aJob(world, { idempotencyKey: "k" });
    const named = await aJob(world, { idempotencyKey: "k", profile: "careful" });
    expect(named).toMatchObject({ id: plain.id, profile: "careful", pastHashes: [plain.contentHash] });
  });

  it("is on the run as it was when the job was claimed, however it goes on", async () => {
    const world = aWorld(await open());
    await put(world, { model: "a" });
    const job = await aJob(world, { idempotencyKey: "k", profile: "careful" });
    await put(world, { model: "b" });
    await aFactory(world, "f1");
    const first = await mustClaim(world, "f1");
    expect(first.run).toMatchObject({ profile: "careful:2", profileSnapshot: { model: "b" } });
    await put(world, { model: "c" });
    await release(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    const second = await mustClaim(world, "f1");
    expect(second.run).toMatchObject({ profile: "careful:3", profileSnapshot: { model: "c" } });
    expect(await runsOf(world, job.id)).toMatchObject([
      { leaseEpoch: 1, profile: "careful:2", profileSnapshot: { model: "b" } },
      { leaseEpoch: 2, profile: "careful:3", profileSnapshot: { model: "c" } },
    ]);
  });

  it("that a job names by version is that version", async () => {
    const world = aWorld(await open());
    await put(world, { model: "a" });
    await put(world, { model: "b" });
    await aJob(world, { idempotencyKey: "k", profile: "careful:1" });
    await aFactory(world, "f1");
    const { run } = await mustClaim(world, "f1");
    expect(run).toMatchObject({ profile: "careful:1", profileSnapshot: { model: "a" } });
  });

  it("is the same for a claim that is repeated, though there is a newer version", async () => {
    const world = aWorld(await open());
    await put(world, { model: "a" });
    await aJob(world, { idempotencyKey: "k", profile: "careful" });
    await aFactory(world, "f1");
    const request = { factoryId: "f1", claimId: "c" };
    const once = await claim(world.fleet, PRODUCT, request);
    await put(world, { model: "b" });
    const again = await claim(world.fleet, PRODUCT, request);
    expect(once).toMatchObject({ run: { profile: "careful:1", profileSnapshot: { model: "a" } } });
    expect(again).toMatchObject({ run: { profile: "careful:1", profileSnapshot: { model: "a" } } });
  });

  it("is named by the job and its events, and held by neither", async () => {
    const world = aWorld(await open());
    const text = "what the profile holds";
    await put(world, { text });
    const job = await aJob(world, { idempotencyKey: "k", profile: "careful" });
    await aFactory(world, "f1");
    await mustClaim(world, "f1");
    await patch(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1, stage: "shipped" });
    const done = await stored(world, job);
    expect(done).toMatchObject({ profile: "careful", run: { profile: "careful:1" } });
    const events = (await world.fleet.events.list(job.id, 10)).value;
    expect(JSON.stringify([done, events])).not.toContain(text);
    expect(await runsOf(world, job.id)).toMatchObject([
      { endedAt: done.stageChangedAt, profile: "careful:1", profileSnapshot: { text } },
    ]);
  });

  it("is on a run that is made again from the job's events", async () => {
    const world = aWorld(await open());
    await put(world, { model: "a" });
    const job = await aJob(world, { idempotencyKey: "k", profile: "careful" });
    await aFactory(world, "f1");
    const { run } = await mustClaim(world, "f1");
    const known = withWhatTheJobKnows([], await stored(world, job));
    expect(await Promise.all(known.map((each) => withSnapshot(world.fleet, each)))).toEqual([run]);
    const document = await world.fleet.runs.get(job.id, run.id);
    if (document !== undefined) await world.fleet.runs.deleteIfMatch(job.id, document);
    await release(world.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    expect(await runsOf(world, job.id)).toMatchObject([
      { profile: "careful:1", profileSnapshot: { model: "a" } },
    ]);
  });

  it("that somebody deleted by hand keeps its jobs in the queue, and no other", async () => {
    const store = await open();
    const world = aWorld(store);
    await put(world, { model: "a" });
    const lost = await aJob(world, { idempotencyKey: "k", profile: "careful", priority: "high" });
    const other = await aJob(world, { idempotencyKey: "other" });
    const found = await store.read("fleet_profiles", PRODUCT, "careful:1");
    await store.deleteIfMatch("fleet_profiles", PRODUCT, "careful:1", found?.etag ?? "");
    await aFactory(world, "f1");
    expect((await mustClaim(world, "f1")).job.id).toBe(other.id);
    expect((await stored(world, lost)).stage).toBe("queued");
    expect(world.log.join()).toContain("careful");
  });
});

onEachStore("a claim", (open) => {
  async function requestsOfAClaim(store: Store, profile?: string): Promise<readonly string[]> {
    const requests: string[] = [];
    const world = aWorld(
      intercept(store, (call, proceed) => {
        requests.push(`${call.method} ${call.container}`);
        return proceed();
      }),
    );
    await put(world, { model: "a" });
    await aJob(world, { idempotencyKey: "k", ...(profile === undefined ? {} : { profile }) });
    await aFactory(world, "f1");
    requests.length = 0;
    await mustClaim(world, "f1");
    return requests;
  }

  it("asks for a profile once where its job names one, and not at all where it names none", async () => {
    const plain = await requestsOfAClaim(await open());
    expect(plain.filter((request) => request.includes("fleet_profiles"))).toEqual([]);
    for (const profile of ["careful", "careful:1"]) {
      const named = await requestsOfAClaim(await open(), profile);
      expect(named.filter((request) => request.includes("fleet_profiles"))).toHaveLength(1);
      expect(named).toHaveLength(plain.length + 1);
    }
  });
});
