import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { omit } from "../../shared/schema/omit.js";
import type { Given } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, aSubmission, everyPage } from "../support/http-fleet.js";

const DAY = 86_400;

describe.each(["memory", "cosmos"] as const)("the totals (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  it("have what a job used in the answer that comes after it shipped, by engine", async () => {
    const product = aProduct(app);
    const stats = async () => (await product.call("GET", "/fleet/stats", { key: "read" })).body.engines;
    expect(await stats()).toEqual([]);
    const job = await product.claimed("f1");
    const patch = (given: Given) =>
      product.call("PATCH", `/fleet/jobs/${job.id}`, { body: { factoryId: "f1", leaseEpoch: 1, ...given } });
    await patch({ insights: { tokensIn: 100, tokensOut: 20, costUsd: 0.25, model: "m", estimated: true } });
    expect(await stats()).toEqual([]);
    await patch({ stage: "shipped", insights: { tokensIn: 120 } });
    const used = { tokensIn: 120, tokensOut: 20, costUsd: 0.25 };
    const none = { runs: 0, insights: {} };
    expect(await stats()).toEqual([{ engine: "claude", runs: 1, insights: used, superseded: none }]);
    const second = await product.claimed("f2");
    const body = { factoryId: "f2", leaseEpoch: 1 };
    await product.call("POST", `/fleet/jobs/${second.id}/lease/release`, { body });
    expect(await stats()).toEqual([{ engine: "claude", runs: 2, insights: used, superseded: none }]);
    const runs = await product.call("GET", `/fleet/jobs/${job.id}/runs`);
    for (const hidden of ["counted", "uncounted", "id"])
      expect(runs.body.value[0]).not.toHaveProperty(hidden);
  });

  it("keep everything where RETENTION_DAYS is not set", async () => {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const body = { factoryId: "f1", leaseEpoch: 1, stage: "shipped" };
    await product.call("PATCH", `/fleet/jobs/${job.id}`, { body });
    app.advance(4000 * DAY);
    await app.runReaper();
    expect((await product.call("GET", `/fleet/jobs/${job.id}/events`)).body.value).toHaveLength(3);
  });
});

describe.each(["memory", "cosmos"] as const)("after RETENTION_DAYS (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider, { RETENTION_DAYS: "2" });
  });
  afterAll(() => app.stop());

  it("a job that ended is a tombstone, says so, has no history, and its key answers as before", async () => {
    const product = aProduct(app);
    const given = aSubmission({ manifestSnapshot: { files: 1 } });
    const job = await product.claimed("f1", given);
    const open = await product.submit({ bodyMd: "Later." });
    const patch = {
      factoryId: "f1",
      leaseEpoch: 1,
      stage: "shipped",
      result: { pr: 7 },
      insights: { turns: 3 },
    };
    await product.call("PATCH", `/fleet/jobs/${job.id}`, { body: patch });
    const path = `/fleet/jobs/${job.id}`;
    const before = await product.call("GET", path);
    app.advance(2 * DAY - 60);
    await app.runReaper();
    expect((await product.call("GET", path)).body).toEqual(before.body);
    app.advance(120);
    expect(await app.runReaper()).toEqual({ kind: "ran" });
    expect(app.log.join("\n")).toMatch(/"decision":"reaper_pass",.*"retired":1/);

    const after = await product.call("GET", path, {
      headers: { "if-none-match": before.headers.get("etag") ?? "" },
    });
    const kept = omit(before.body, "manifestSnapshot");
    expect(after.status).toBe(200);
    expect(after.body).toEqual({ ...kept, bodyMd: "", tombstone: true });
    for (const list of ["events", "runs"])
      expect((await product.call("GET", `${path}/${list}`)).body).toEqual({ value: [] });
    const listed = (await everyPage(product, "/fleet/jobs?stage=shipped")).flat();
    expect(listed).toMatchObject([{ id: job.id, tombstone: true }]);

    const submit = (body: object) => product.call("POST", "/fleet/jobs", { body });
    expect((await submit(given)).body).toMatchObject({
      outcome: "existing",
      job: { id: job.id, tombstone: true },
    });
    const other = await submit({ ...given, bodyMd: "Something else." });
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({ code: "idempotency_conflict", jobId: job.id, stage: "shipped" });
    expect((await product.call("GET", "/fleet/stats")).body.engines).toMatchObject([{ runs: 1 }]);
    expect((await product.call("GET", `/fleet/jobs/${open.id}`)).body).not.toHaveProperty("tombstone");
    expect((await product.call("GET", `/fleet/jobs/${open.id}/events`)).body.value).toHaveLength(1);
  });
});
