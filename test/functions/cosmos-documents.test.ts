import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_STRING } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp, Stored } from "../support/http-app.js";
import { aProduct, aSubmission, everyPage } from "../support/http-fleet.js";

/** What the routes leave behind in Cosmos DB, looked at with the SDK and not with our own code. */
describe("the documents in Cosmos DB", () => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp("cosmos");
  });
  afterAll(() => app.stop());

  async function only(container: Parameters<HttpApp["documents"]>[0], productId: string): Promise<Stored> {
    const found = (await app.documents(container)).filter((doc) => doc["productId"] === productId);
    expect(found).toHaveLength(1);
    return found[0] ?? {};
  }

  it("are one job per submission, with its content and its first event", async () => {
    const product = aProduct(app);
    const body = aSubmission({ priority: "critical", manifestSnapshot: { a: [1] } });
    await product.call("POST", "/fleet/jobs", { body });
    await product.call("POST", "/fleet/jobs", { body });
    expect(await only("fleet_jobs", product.id)).toMatchObject({
      ...body,
      productId: product.id,
      schemaVersion: 1,
      stage: "queued",
      leaseEpoch: 0,
      priorityRank: 0,
      eventSeq: 1,
      outbox: [{ seq: 1, type: "submitted" }],
    });
  });

  it("are the job, a lease and a run after a claim, all of one epoch", async () => {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    expect(await only("fleet_jobs", product.id)).toMatchObject({
      id: job.id,
      stage: "assigned",
      leaseEpoch: 1,
      attempt: 1,
      holderFactoryId: "f1",
    });
    expect(await only("fleet_leases", product.id)).toMatchObject({
      id: job.id,
      jobId: job.id,
      status: "held",
      leaseEpoch: 1,
      holderFactoryId: "f1",
      renewals: 0,
    });
    const run = await only("fleet_runs", product.id);
    expect(run).toMatchObject({ id: `${job.id}:1`, jobId: job.id, leaseEpoch: 1, factoryId: "f1" });
    expect(run).not.toHaveProperty("endedAt");
    expect(await only("fleet_factories", product.id)).toMatchObject({ id: "f1", factoryId: "f1" });
  });

  it("are a renewed lease, and nothing else, after a renewal", async () => {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const [jobBefore, leaseBefore] = [
      await only("fleet_jobs", product.id),
      await only("fleet_leases", product.id),
    ];
    app.advance(10);
    const body = { factoryId: "f1", leaseEpoch: 1 };
    await product.call("POST", `/fleet/jobs/${job.id}/lease/renew`, { body });
    const lease = await only("fleet_leases", product.id);
    expect(lease["renewals"]).toBe(1);
    expect(String(lease["expiresAt"]) > String(leaseBefore["expiresAt"])).toBe(true);
    expect(await only("fleet_jobs", product.id)).toEqual(jobBefore);
  });

  it("are a final job with nothing left to do, its run closed and its lease released, once it shipped", async () => {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const body = { factoryId: "f1", leaseEpoch: 1, stage: "shipped", result: { pr: 1 } };
    await product.call("PATCH", `/fleet/jobs/${job.id}`, { body });
    const stored = await only("fleet_jobs", product.id);
    expect(stored).toMatchObject({ stage: "shipped", result: { pr: 1 }, eventSeq: 3, outbox: [] });
    expect(stored).not.toHaveProperty("dirty");
    expect(await only("fleet_leases", product.id)).toMatchObject({ status: "released", leaseEpoch: 1 });
    expect(await only("fleet_runs", product.id)).toMatchObject({
      endedAt: A_STRING,
      result: { pr: 1 },
    });
    const events = (await app.documents("fleet_events")).filter((event) => event["jobId"] === job.id);
    expect(events.map((event) => [event["id"], event["type"]]).toSorted()).toEqual([
      [`${job.id}:000000000001`, "submitted"],
      [`${job.id}:000000000002`, "claimed"],
      [`${job.id}:000000000003`, "shipped"],
    ]);
  });

  it("keep the epoch and the checkpoint when a job is given back", async () => {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const body = { factoryId: "f1", leaseEpoch: 1, checkpoint: { wipBranch: "wip" } };
    await product.call("POST", `/fleet/jobs/${job.id}/lease/release`, { body });
    const stored = await only("fleet_jobs", product.id);
    expect(stored).toMatchObject({
      stage: "queued",
      leaseEpoch: 1,
      attempt: 0,
      checkpoint: { wipBranch: "wip" },
    });
    expect(stored).not.toHaveProperty("holderFactoryId");
    expect(await only("fleet_leases", product.id)).toMatchObject({ status: "released" });
  });

  it("do not change by what is refused", async () => {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const before = [await only("fleet_jobs", product.id), await only("fleet_leases", product.id)];
    const stale = { factoryId: "f1", leaseEpoch: 2 };
    const refused = [
      await product.call("PATCH", `/fleet/jobs/${job.id}`, { body: { ...stale, stage: "shipped" } }),
      await product.call("POST", `/fleet/jobs/${job.id}/lease/renew`, { body: stale }),
      await product.call("POST", `/fleet/jobs/${job.id}/lease/release`, { body: stale }),
      await product.call("POST", "/fleet/jobs", { body: { ...job, bodyMd: "other" } }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([409, 409, 409, 400]);
    expect([await only("fleet_jobs", product.id), await only("fleet_leases", product.id)]).toEqual(before);
  });

  it("show a lease only where it is of the job's epoch and still held: a claim may have died in between", async () => {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const shown = async () => (await product.call("GET", `/fleet/jobs/${job.id}`)).body;
    expect(await shown()).toHaveProperty("lease");
    for (const leftBehind of [{ leaseEpoch: 0 }, { status: "expired" }]) {
      let before: Stored = {};
      await app.rewrite("fleet_leases", job.id, (lease) => ({ ...(before = lease), ...leftBehind }));
      expect(await shown()).not.toHaveProperty("lease");
      await app.rewrite("fleet_leases", job.id, () => before);
    }
    await app.rewrite("fleet_leases", job.id, () => undefined);
    expect(await shown()).not.toHaveProperty("lease");
  });

  it("may lack runs that the job knows: each is listed all the same, once however the pages are cut", async () => {
    const product = aProduct(app);
    await product.factory("f1");
    const job = await product.submit();
    for (let leaseEpoch = 1; leaseEpoch <= 3; leaseEpoch++) {
      await product.claim("f1");
      const body = { factoryId: "f1", leaseEpoch };
      if (leaseEpoch < 3) await product.call("POST", `/fleet/jobs/${job.id}/lease/release`, { body });
    }
    // As if both the last release and the last claim had died before they wrote it.
    for (const epoch of [2, 3]) await app.rewrite("fleet_runs", `${job.id}:${epoch}`, () => undefined);
    for (const limit of [1, 2, 3, 50]) {
      const pages = await everyPage(product, `/fleet/jobs/${job.id}/runs?limit=${limit}`);
      expect(pages.every((page) => page.length <= limit)).toBe(true);
      expect(pages.flat().map((run) => [run.leaseEpoch, "endedAt" in run])).toEqual([
        [1, true],
        [2, true],
        [3, false],
      ]);
    }
  });
});
