import { expect, it } from "vitest";
import { artifactRepository } from "../../../shared/core/repositories/artifacts.js";
import { eventRepository } from "../../../shared/core/repositories/events.js";
import { factoryRepository } from "../../../shared/core/repositories/factories.js";
import { jobRepository } from "../../../shared/core/repositories/jobs.js";
import { leaseRepository } from "../../../shared/core/repositories/leases.js";
import { profileRepository } from "../../../shared/core/repositories/profiles.js";
import { runRepository } from "../../../shared/core/repositories/runs.js";
import { jobIdOf } from "../../../shared/core/hash.js";
import type { Job } from "../../../shared/schema/job.js";
import { aDocument } from "../../support/documents.js";
import { onEachStore } from "../../support/on-each-store.js";

const later = "2026-01-15T12:00:01.000Z";

onEachStore("a round trip through its repository", (open) => {
  it("of a job: created once, read, replaced under its etag, never under an old one", async () => {
    const jobs = jobRepository(await open());
    const job = aDocument.fleet_jobs();
    expect(await jobs.create(job)).toMatchObject({ kind: "created" });
    expect(await jobs.create(job)).toEqual({ kind: "exists" });
    const read = await jobs.get("acme", "job-1");
    if (read === undefined) throw new Error("not found");
    expect(read.doc).toEqual(job);
    expect(await jobs.replaceIfMatch(read, { ...job, attempt: 1 })).toMatchObject({ kind: "replaced" });
    expect(await jobs.replaceIfMatch(read, { ...job, attempt: 2 })).toEqual({ kind: "etag_mismatch" });
    expect((await jobs.get("acme", "job-1"))?.doc.attempt).toBe(1);
  });

  it("of a run, with deletion under its etag", async () => {
    const runs = runRepository(await open());
    const run = aDocument.fleet_runs();
    await runs.create(run);
    const read = await runs.get("job-1", "job-1:1");
    if (read === undefined) throw new Error("not found");
    expect(read.doc).toEqual(run);
    expect(await runs.replaceIfMatch(read, { ...run, endedAt: later })).toMatchObject({ kind: "replaced" });
    expect(await runs.deleteIfMatch("job-1", read)).toEqual({ kind: "etag_mismatch" });
    const now = await runs.get("job-1", "job-1:1");
    expect(now && (await runs.deleteIfMatch("job-1", now))).toEqual({ kind: "deleted" });
    expect(await runs.get("job-1", "job-1:1")).toBeUndefined();
  });

  it("of a lease", async () => {
    const leases = leaseRepository(await open());
    const lease = aDocument.fleet_leases();
    await leases.create(lease);
    const read = await leases.get("job-1", "job-1");
    if (read === undefined) throw new Error("not found");
    expect(read.doc).toEqual(lease);
    expect(await leases.replaceIfMatch(read, { ...lease, renewals: 1 })).toMatchObject({ kind: "replaced" });
    expect(await leases.overdue(later, 10)).toEqual([{ jobId: "job-1", productId: "acme" }]);
    expect(await leases.overdue("2026-01-15T12:00:00.000Z", 10)).toEqual([]);
  });

  it("of a factory", async () => {
    const factories = factoryRepository(await open());
    for (const id of ["f2", "f1", "f3"])
      await factories.create(aDocument.fleet_factories({ id, factoryId: id }));
    const first = await factories.list("acme", 2);
    expect(first.value.map(({ id }) => id)).toEqual(["f1", "f2"]);
    expect((await factories.list("acme", 2, "f2")).value).toEqual([
      aDocument.fleet_factories({ id: "f3", factoryId: "f3" }),
    ]);
    const read = await factories.get("acme", "f1");
    if (read === undefined) throw new Error("not found");
    expect(await factories.replaceIfMatch(read, { ...read.doc, load: 2 })).toMatchObject({
      kind: "replaced",
    });
    expect(await factories.countSilentSince("acme", later)).toBe(3);
    expect(await factories.count("umbrella")).toBe(0);
  });

  it("of a profile, whose versions are created and never changed", async () => {
    const profiles = profileRepository(await open());
    for (const version of [1, 2, 10]) {
      await profiles.create(aDocument.fleet_profiles({ id: `careful:${version}`, version }));
    }
    expect(await profiles.create(aDocument.fleet_profiles())).toEqual({ kind: "exists" });
    expect((await profiles.get("acme", "careful:2"))?.doc.version).toBe(2);
    const versions = (await profiles.list("acme", "careful", 10)).value.map(({ version }) => version);
    expect(versions).toEqual([1, 2, 10]);
  });

  it("of an artifact", async () => {
    const artifacts = artifactRepository(await open());
    const artifact = aDocument.fleet_artifacts();
    await artifacts.create(artifact);
    expect((await artifacts.list("job-1", 10)).value).toEqual([artifact]);
    const read = await artifacts.get("job-1", artifact.id);
    if (read === undefined) throw new Error("not found");
    await artifacts.replaceIfMatch(read, {
      ...artifact,
      found: { contentType: "text/plain", sizeBytes: 13 },
    });
    expect((await artifacts.get("job-1", artifact.id))?.doc.found?.sizeBytes).toBe(13);
    expect((await artifacts.list("job-2", 10)).value).toEqual([]);
  });

  it("of events: appended in any order and twice, they come back once, in order", async () => {
    const events = eventRepository(await open());
    const job = { id: "job-1", productId: "acme" };
    const event = (seq: number) => ({ seq, type: "checkpointed" as const, at: later, data: { n: seq } });
    for (const seq of [3, 1, 12, 2, 1, 3]) await events.append(job, event(seq));
    expect((await events.list("job-1", 10)).value).toEqual([1, 2, 3, 12].map(event));
    expect((await events.list("job-1", 1, 2)).value).toEqual([event(3)]);
  });

  it("refuses a document that breaks its schema, and writes nothing", async () => {
    const jobs = jobRepository(await open());
    const broken = { ...aDocument.fleet_jobs(), stage: "done" } as unknown as Job;
    await expect(jobs.create(broken)).rejects.toThrow("stage");
    expect(await jobs.get("acme", "job-1")).toBeUndefined();
  });
});

onEachStore("lists of jobs", (open) => {
  const job = (key: string, given: Partial<Job> = {}) =>
    aDocument.fleet_jobs({ id: jobIdOf("acme", key), idempotencyKey: key, ...given });

  it("are filtered by product, stage and parent, newest first, page by page", async () => {
    const jobs = jobRepository(await open());
    const at = (n: number) => `2026-01-15T12:00:0${n}.000Z`;
    await jobs.create(job("a", { createdAt: at(1) }));
    await jobs.create(job("b", { createdAt: at(3), stage: "shipped" }));
    await jobs.create(job("c", { createdAt: at(2), parentId: "p" }));
    await jobs.create(job("d", { createdAt: at(4), productId: "umbrella" }));
    const keys = async (...asked: Parameters<typeof jobs.list>) =>
      (await jobs.list(...asked)).value.map(({ idempotencyKey }) => idempotencyKey);
    expect(await keys("acme", {}, 10)).toEqual(["b", "c", "a"]);
    expect(await keys("acme", { stage: "queued" }, 10)).toEqual(["c", "a"]);
    expect(await keys("acme", { parentId: "p" }, 10)).toEqual(["c"]);
    expect(await keys("acme", {}, 1)).toEqual(["b"]);
    expect(await keys("acme", {}, 10, [at(3), jobIdOf("acme", "b")])).toEqual(["c", "a"]);
    expect(await keys("umbrella", {}, 10)).toEqual(["d"]);
  });

  it("find a job by its idempotency key, in its product alone", async () => {
    const jobs = jobRepository(await open());
    await jobs.create(job("a"));
    expect((await jobs.getByKey("acme", "a"))?.doc.idempotencyKey).toBe("a");
    expect(await jobs.getByKey("umbrella", "a")).toBeUndefined();
  });
});
