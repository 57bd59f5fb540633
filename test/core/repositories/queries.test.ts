/** What each query asks of the store: which documents, in which order, and how fresh. */
import { expect, it } from "vitest";
import type { Fleet } from "../../../shared/core/fleet.js";
import { artifactRepository } from "../../../shared/core/repositories/artifacts.js";
import { eventRepository } from "../../../shared/core/repositories/events.js";
import { jobRepository } from "../../../shared/core/repositories/jobs.js";
import { profileRepository } from "../../../shared/core/repositories/profiles.js";
import { runRepository } from "../../../shared/core/repositories/runs.js";
import { jobIdOf } from "../../../shared/core/hash.js";
import type { Query, Store } from "../../../shared/core/ports/store.js";
import type { Job } from "../../../shared/schema/job.js";
import { aDocument } from "../../support/documents.js";
import { onEachStore } from "../../support/on-each-store.js";
import { aWorld } from "../../support/world.js";

const at = "2026-01-15T12:00:00.000Z";

/** A store that answers nothing, and shows what it was asked. */
function asking(): { fleet: Fleet; asked: Query[] } {
  const asked: Query[] = [];
  const answer = (query: Query) => {
    asked.push(query);
    return Promise.resolve({ value: [], more: false });
  };
  const store = {
    query: (_container: string, _partition: string, query: Query) => answer(query),
    queryEveryPartition: (_container: string, query: Query) => answer(query),
  } as unknown as Store;
  return { fleet: aWorld(store).fleet, asked };
}

it.each<[string, (fleet: Fleet) => Promise<unknown>]>([
  ["who claimed a job", (fleet) => fleet.jobs.claimedBy("acme", "f1/c")],
  ["who holds a job", (fleet) => fleet.jobs.heldBy("acme", "f1", 1)],
  ["who waits for a job", (fleet) => fleet.jobs.blockedOn("acme", "d", "all", 1)],
  ["the jobs shown to a caller", (fleet) => fleet.jobs.list("acme", {}, 1)],
  ["a job's events", (fleet) => fleet.events.list("job-1", 1)],
  ["a job's runs", (fleet) => fleet.runs.list("job-1", 1)],
  ["a job's artifacts", (fleet) => fleet.artifacts.list("job-1", 1)],
  ["a product's factories", (fleet) => fleet.factories.list("acme", 1)],
  ["a profile's latest version", (fleet) => fleet.profiles.latest("acme", "careful")],
  ["a profile's content", (fleet) => fleet.profiles.withContent("acme", "careful", "h")],
  ["the profiles", (fleet) => fleet.profiles.list("acme", undefined, 1)],
  ["a profile's versions", (fleet) => fleet.profiles.list("acme", "careful", 1)],
])("%s: what is answered or decided from it is asked fresh", async (_what, ask) => {
  const { fleet, asked } = asking();
  await ask(fleet);
  expect(asked).toMatchObject([{ freshness: "fresh" }]);
});

it.each<[string, (fleet: Fleet) => Promise<unknown>]>([
  ["candidates", (fleet) => fleet.jobs.candidates("acme", "any", at, 1)],
  ["what waits", (fleet) => fleet.jobs.waiting("acme", at, 1)],
  ["the oldest in the queue", (fleet) => fleet.jobs.oldestQueued("acme", 1)],
  ["owned jobs", (fleet) => fleet.jobs.ownedOf("acme", "", 1)],
  ["the sweep's jobs", (fleet) => fleet.jobs.sweep("dirty", "", 1)],
  ["the sweep's runs", (fleet) => fleet.runs.sweepOpen("", 1)],
  ["overdue leases", (fleet) => fleet.leases.overdue(at, 1)],
])("%s: a hint that is judged again may be a moment old", async (_what, ask) => {
  const { fleet, asked } = asking();
  await ask(fleet);
  expect(asked).toMatchObject([{ freshness: "stale_ok" }]);
});

it("whether the store answers is asked of the store", async () => {
  const ping = () => Promise.reject(new Error("asked"));
  const { fleet } = aWorld({ ping } as unknown as Store);
  await expect(fleet.store.ping()).rejects.toThrow("asked");
});

onEachStore("a query", (open) => {
  const job = (key: string, given: Partial<Job> = {}) =>
    aDocument.fleet_jobs({ id: jobIdOf("acme", key), idempotencyKey: key, ...given });
  const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id);
  const idOf = (key: string): string => jobIdOf("acme", key);
  const sorted = (...keys: string[]): string[] => keys.map(idOf).sort();

  it("for what a factory holds finds its owned jobs alone, also before those it has finished", async () => {
    const jobs = jobRepository(await open());
    await jobs.create(job("mine", { stage: "building", holderFactoryId: "f1", leaseEpoch: 3 }));
    await jobs.create(job("done", { stage: "shipped", holderFactoryId: "f1" }));
    await jobs.create(job("theirs", { stage: "building", holderFactoryId: "f2" }));
    await jobs.create(job("nobodys"));
    expect(await jobs.heldBy("acme", "f1", 10)).toEqual([{ id: idOf("mine"), leaseEpoch: 3 }]);
    expect(await jobs.countHeldBy("acme", "f1")).toBe(1);
  });

  it("for dependants finds blocked jobs that name the dependency, in the order of their ids", async () => {
    const jobs = jobRepository(await open());
    const deps = ["d"];
    await jobs.create(job("hard", { stage: "blocked", deps: ["x", "d"] }));
    await jobs.create(job("soft", { stage: "blocked", deps, depsMode: "soft" }));
    await jobs.create(job("queued", { stage: "queued", deps }));
    await jobs.create(job("other", { stage: "blocked", deps: ["x"] }));
    await jobs.create(job("foreign", { productId: "umbrella", stage: "blocked", deps }));
    expect(ids((await jobs.blockedOn("acme", "d", "all", 10)).value)).toEqual(sorted("hard", "soft"));
    expect(ids((await jobs.blockedOn("acme", "d", "soft", 10)).value)).toEqual([idOf("soft")]);
    expect(await jobs.blockedOn("acme", "d", "all", 1)).toMatchObject({ more: true });
  });

  it("for owned, blocked or dirty jobs finds those, from behind an id, whatever their product", async () => {
    const jobs = jobRepository(await open());
    await jobs.create(job("a", { stage: "assigned", holderFactoryId: "f1" }));
    await jobs.create(job("b", { stage: "testing", holderFactoryId: "f1", productId: "umbrella" }));
    await jobs.create(job("c", { stage: "blocked" }));
    await jobs.create(job("d", { stage: "shipped", dirty: true }));
    await jobs.create(job("e", { stage: "shipped" }));
    const owned = sorted("a", "b");
    expect(ids(await jobs.sweep("owned", "", 10))).toEqual(owned);
    expect(ids(await jobs.sweep("owned", owned[0] ?? "", 10))).toEqual(owned.slice(1));
    expect(ids(await jobs.sweep("blocked", "", 10))).toEqual([idOf("c")]);
    expect(await jobs.sweep("dirty", "", 10)).toEqual([{ id: idOf("d"), productId: "acme" }]);
    expect(ids(await jobs.ownedOf("acme", "", 10))).toEqual([idOf("a")]);
  });

  it("for a claim's jobs finds those of this claim, whatever became of them", async () => {
    const jobs = jobRepository(await open());
    await jobs.create(job("a", { claimId: "f1/c-1", stage: "shipped" }));
    await jobs.create(job("b", { claimId: "f1/c-2" }));
    await jobs.create(job("c"));
    expect(await jobs.claimedBy("acme", "f1/c-1")).toEqual([{ id: idOf("a"), stage: "shipped" }]);
  });

  it("for open runs finds those without an end, from behind an id", async () => {
    const runs = runRepository(await open());
    for (const n of [1, 2, 3]) {
      const ended = n === 2 ? { endedAt: at } : {};
      await runs.create(aDocument.fleet_runs({ id: `job-1:${n}`, leaseEpoch: n, ...ended }));
    }
    const open1 = { id: "job-1:1", jobId: "job-1", productId: "acme", leaseEpoch: 1 };
    expect(await runs.sweepOpen("", 10)).toEqual([open1, { ...open1, id: "job-1:3", leaseEpoch: 3 }]);
    expect(ids(await runs.sweepOpen("job-1:1", 10))).toEqual(["job-1:3"]);
    expect((await runs.list("job-1", 1, 1)).value).toMatchObject([{ leaseEpoch: 2, endedAt: at }]);
  });

  it("for a profile's versions finds no other profile's", async () => {
    const profiles = profileRepository(await open());
    await profiles.create(aDocument.fleet_profiles());
    await profiles.create(aDocument.fleet_profiles({ id: "bold:2", name: "bold", version: 2 }));
    const careful = { productId: "acme", name: "careful", version: 1 };
    expect((await profiles.list("acme", "careful", 10)).value).toMatchObject([careful]);
    expect((await profiles.list("acme", "careful", 10, ["careful", 1])).value).toEqual([]);
    expect((await profiles.latest("acme", "careful"))?.id).toBe("careful:1");
    expect(await profiles.latest("umbrella", "careful")).toBeUndefined();
  });

  it("for profiles goes by name, then by number, and leaves out what they hold", async () => {
    const profiles = profileRepository(await open());
    for (const id of ["b:10", "b:9", "a:1"]) {
      const [name = "", version] = id.split(":");
      await profiles.create(aDocument.fleet_profiles({ id, name, version: Number(version) }));
    }
    const names = async (after?: [string, number]) =>
      (await profiles.list("acme", undefined, 10, after)).value.map((one) => `${one.name}:${one.version}`);
    expect(await names()).toEqual(["a:1", "b:9", "b:10"]);
    expect(await names(["b", 9])).toEqual(["b:10"]);
    const [first] = (await profiles.list("acme", undefined, 1)).value;
    expect(first).not.toHaveProperty("snapshot");
    expect((await profiles.latest("acme", "b"))?.version).toBe(10);
  });

  it("for a profile's content finds the first version that has it, and no other profile's", async () => {
    const profiles = profileRepository(await open());
    const version = (id: string, contentHash: string) =>
      profiles.create(
        aDocument.fleet_profiles({
          id,
          name: id.split(":")[0] ?? "",
          version: Number(id.split(":")[1]),
          contentHash,
        }),
      );
    await version("a:1", "one");
    await version("a:2", "two");
    await version("b:1", "three");
    expect((await profiles.withContent("acme", "a", "two"))?.id).toBe("a:2");
    expect(await profiles.withContent("acme", "a", "three")).toBeUndefined();
  });

  it("for a composite's children counts those of one stage, and no other parent's", async () => {
    const jobs = jobRepository(await open());
    await jobs.create(job("a", { parentId: "p", stage: "queued" }));
    await jobs.create(job("b", { parentId: "p", stage: "shipped" }));
    await jobs.create(job("c", { parentId: "p", stage: "queued" }));
    await jobs.create(job("d", { parentId: "q", stage: "queued" }));
    await jobs.create(job("e", { stage: "queued" }));
    expect(await jobs.countChildren("acme", "p", "queued")).toBe(2);
    expect(await jobs.countChildren("acme", "p", "shipped")).toBe(1);
    expect(await jobs.countChildren("umbrella", "p", "queued")).toBe(0);
  });

  it("for artifacts counts epochs as numbers do", async () => {
    const artifacts = artifactRepository(await open());
    for (const leaseEpoch of [10, 2, 9])
      await artifacts.create(
        aDocument.fleet_artifacts({ id: `job-1:${leaseEpoch}:a`, leaseEpoch, name: "a" }),
      );
    const after = { leaseEpoch: 2, id: "job-1:2:a" };
    expect(ids((await artifacts.list("job-1", 9, after)).value)).toEqual(["job-1:9:a", "job-1:10:a"]);
  });

  it("for artifacts goes on behind an id, and one can be deleted under its etag", async () => {
    const artifacts = artifactRepository(await open());
    for (const name of ["b", "a", "c"])
      await artifacts.create(aDocument.fleet_artifacts({ id: `job-1:1:${name}`, name }));
    expect(ids((await artifacts.list("job-1", 2)).value)).toEqual(["job-1:1:a", "job-1:1:b"]);
    expect(ids((await artifacts.list("job-1", 2, { leaseEpoch: 1, id: "job-1:1:a" })).value)).toEqual([
      "job-1:1:b",
      "job-1:1:c",
    ]);
    const read = await artifacts.get("job-1", "job-1:1:b");
    if (read === undefined) throw new Error("not found");
    expect(await artifacts.deleteIfMatch("job-1", read)).toEqual({ kind: "deleted" });
    expect(ids((await artifacts.list("job-1", 9)).value)).toEqual(["job-1:1:a", "job-1:1:c"]);
  });

  it("for one event finds it by its number, in ids that sort as numbers do", async () => {
    const events = eventRepository(await open());
    await events.append({ id: "job-1", productId: "acme" }, { seq: 12, type: "submitted", at, data: {} });
    expect((await events.get("job-1", "job-1:000000000012"))?.doc).toMatchObject({ seq: 12, jobId: "job-1" });
  });
});
