import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Given } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aHeartbeat, aProduct, aSubmission } from "../support/http-fleet.js";

const STOP_CANCELLED = { action: "stop", reason: "cancelled" };
const STOP_OVER = { action: "stop", reason: "over_budget" };

describe.each(["memory", "cosmos"] as const)("how jobs end and come back (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  async function holding(given: Given = {}) {
    const product = aProduct(app);
    const job = await product.claimed("f1", given);
    const post = (verb: string, body?: Given, headers: Record<string, string> = {}) =>
      product.call("POST", `/fleet/jobs/${job.id}/${verb}`, {
        headers,
        ...(body === undefined ? {} : { body }),
      });
    const asHolder = (given: Given = {}) => ({ factoryId: "f1", leaseEpoch: 1, ...given });
    const patch = (given: Given) => product.call("PATCH", `/fleet/jobs/${job.id}`, { body: asHolder(given) });
    return { product, job, post, patch, asHolder };
  }

  describe("POST /fleet/jobs/{id}/cancel", () => {
    it("ends the job, and tells its holder so from then on", async () => {
      const { product, job, post, patch, asHolder } = await holding();
      const answer = await post("cancel", { reason: "wrong branch" });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        job: { id: job.id, stage: "failed", failure: { kind: "cancelled", message: "wrong branch" } },
      });
      const renewed = await post("lease/renew", asHolder());
      expect([renewed.status, renewed.body.code, renewed.body.directive]).toEqual([
        409,
        "stale_lease",
        STOP_CANCELLED,
      ]);
      expect((await patch({ stage: "shipped" })).body.directive).toEqual(STOP_CANCELLED);
      const runs = await product.call("GET", `/fleet/jobs/${job.id}/runs`);
      expect(runs.body.value).toMatchObject([{ leaseEpoch: 1, endedAt: expect.any(String) as string }]);
      const events = await product.call("GET", `/fleet/jobs/${job.id}/events`);
      expect(events.body.value.map(({ type }) => type)).toEqual(["submitted", "claimed", "cancelled"]);
    });

    it("needs no body, and is the same when it is repeated", async () => {
      const { post } = await holding();
      for (let n = 0; n < 2; n++) {
        const answer = await post("cancel");
        expect([answer.status, answer.body.job.failure]).toEqual([200, { kind: "cancelled" }]);
      }
    });

    it("refuses what has shipped, and a reason that is none", async () => {
      const { patch, post } = await holding();
      for (const body of [{ reason: 1 }, { reason: "x".repeat(1025) }, { why: "x" }]) {
        expect((await post("cancel", body)).body.code).toBe("validation_failed");
      }
      await patch({ stage: "shipped" });
      const answer = await post("cancel");
      expect([answer.status, answer.body]).toMatchObject([
        409,
        { code: "illegal_transition", from: "shipped", to: "failed", allowed: [] },
      ]);
    });

    it("under a key answers a repetition the same, and another body with a conflict", async () => {
      const { post } = await holding();
      const headers = { "idempotency-key": "cancel-1" };
      expect((await post("cancel", { reason: "a" }, headers)).status).toBe(200);
      expect((await post("cancel", { reason: "a" }, headers)).status).toBe(200);
      await post("redrive");
      const other = await post("cancel", { reason: "b" }, headers);
      expect([other.status, other.body.code]).toEqual([409, "idempotency_conflict"]);
    });

    it("is no business of another product", async () => {
      const { job } = await holding();
      for (const verb of ["cancel", "redrive"]) {
        const answer = await aProduct(app).call("POST", `/fleet/jobs/${job.id}/${verb}`);
        expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
      }
    });
  });

  describe("POST /fleet/jobs/{id}/redrive", () => {
    it("puts a failed job back, and may raise its budget", async () => {
      const { job, post, patch, product, asHolder } = await holding({ budget: { usd: 5, tokens: 100 } });
      const stopped = await patch({ checkpoint: { wipCommit: "w1" }, insights: { costUsd: 6 } });
      expect(stopped.status).toBe(200);
      expect(stopped.body).toMatchObject({
        job: { stage: "failed", failure: { kind: "over_budget" }, checkpoint: { wipCommit: "w1" } },
        directive: STOP_OVER,
      });
      expect((await post("lease/renew", asHolder())).body.directive).toEqual(STOP_OVER);
      const poor = await post("redrive", { budget: { usd: 5.5 } });
      expect([poor.status, poor.body.code, poor.body.errors.map(({ path }) => path)]).toEqual([
        400,
        "validation_failed",
        ["budget.usd"],
      ]);
      const back = await post("redrive", { budget: { usd: 9 } });
      expect(back.body.job).toMatchObject({
        stage: "queued",
        attempt: 0,
        budget: { usd: 9, tokens: 100 },
        spent: { usd: 6 },
        checkpoint: { wipCommit: "w1" },
      });
      expect((await product.claim("f1")).job).toMatchObject({ id: job.id, leaseEpoch: 2 });
    });

    it("refuses an open job, and a budget that is none", async () => {
      const { post } = await holding();
      expect((await post("redrive")).body.code).toBe("illegal_transition");
      for (const budget of [{}, { usd: 0 }, { usd: -1 }, { tokens: "9" }, { euros: 3 }, 5]) {
        expect((await post("redrive", { budget })).status).toBe(400);
      }
    });
  });

  describe("a submission's policies", () => {
    it.each([
      ["retry.max", { retry: { max: 101 } }],
      ["retry.max", { retry: { backoff: 1 } }],
      ["retry.backoff", { retry: { max: 1, backoff: 3601 } }],
      ["retry.on.0", { retry: { max: 1, on: ["Not A Word"] } }],
      ["budget", { budget: {} }],
      ["budget.usd", { budget: { usd: 0 } }],
      ["budget.wall", { budget: { wall: "1h" } }],
      ["onDependencyFailure", { onDependencyFailure: "ignore" }],
    ])("are refused with the path %s when they are wrong: %j", async (path, given) => {
      const answer = await aProduct(app).call("POST", "/fleet/jobs", { body: aSubmission(given) });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ code: "validation_failed", errors: [{ path }] });
    });

    it("are shown with their defaults, and are part of the content", async () => {
      const product = aProduct(app);
      const body = aSubmission({ retry: { max: 2 }, onDependencyFailure: "fail", budget: { wall: 60 } });
      const created = await product.call("POST", "/fleet/jobs", { body });
      expect(created.body.job).toMatchObject({
        retry: { max: 2, backoff: 30, on: [] },
        onDependencyFailure: "fail",
        budget: { wall: 60 },
      });
      const other = await product.call("POST", "/fleet/jobs", { body: { ...body, retry: { max: 3 } } });
      expect(other.body.outcome).toBe("superseded");
    });

    it("try a failure again after a while", async () => {
      const { patch, product, job } = await holding({ retry: { max: 1, backoff: 600 } });
      const answer = await patch({ stage: "failed", failure: { kind: "verify", message: "2 tests" } });
      expect(answer.body).toMatchObject({
        job: { stage: "queued", attempt: 1, failure: { kind: "verify", message: "2 tests" } },
        directive: { action: "continue" },
      });
      expect(answer.body.job.notBefore).toBeDefined();
      const events = await product.call("GET", `/fleet/jobs/${job.id}/events?after=2`);
      expect(events.body.value).toMatchObject([
        { type: "retry_scheduled", data: { from: "assigned", to: "queued" } },
      ]);
    });
  });

  it("totals beyond any machine are refused, and the job can still end", async () => {
    const { post, patch, asHolder } = await holding();
    const huge = await post("lease/renew", asHolder({ insights: { tokensIn: 1e308, tokensOut: 1e308 } }));
    expect([huge.status, huge.body.errors.map(({ path }) => path)]).toEqual([
      400,
      ["insights.tokensIn", "insights.tokensOut"],
    ]);
    expect((await patch({ stage: "shipped", insights: { costUsd: 1e12 } })).status).toBe(200);
  });

  it("a release with last totals that are too much ends the job, and says so", async () => {
    const { post, asHolder } = await holding({ budget: { tokens: 10 } });
    const kept = { checkpoint: { wipCommit: "w" }, insights: { tokensOut: 11 } };
    const answer = await post("lease/release", asHolder(kept));
    expect(answer.body).toMatchObject({
      job: { stage: "failed", failure: { kind: "over_budget" } },
      directive: STOP_OVER,
    });
  });

  it("a heartbeat of a new start frees what the former held, and a late one is told to stop", async () => {
    const product = aProduct(app);
    const beat = (bootId: string) =>
      product.call("POST", "/fleet/factories/heartbeat", { body: aHeartbeat("f1", { bootId }) });
    await beat("b1");
    const job = await product.submit();
    await product.claim("f1");
    expect((await beat("b1")).body.leases).toHaveLength(1);
    const restarted = await beat("b2");
    expect(restarted.body).toMatchObject({
      leases: [],
      factory: { bootId: "b2" },
      directive: { action: "continue" },
    });
    expect(restarted.body.factory).not.toHaveProperty("formerBootIds");
    expect((await product.call("GET", `/fleet/jobs/${job.id}`)).body).toMatchObject({ stage: "queued" });
    expect((await beat("b1")).body).toMatchObject({ directive: { action: "stop", reason: "lease_lost" } });
  });

  describe("POST /fleet/jobs/bulk", () => {
    it("acts on what passes the filter, and says where to go on", async () => {
      const product = aProduct(app);
      const parent = await product.submit({ kind: "composite" });
      for (let n = 0; n < 3; n++) await product.submit({ parentId: parent.id });
      const body = { action: "cancel", filter: { parentId: parent.id } };
      const byKey = { action: "cancel", filter: { parentId: `key:${parent.idempotencyKey}` }, dryRun: true };
      const named = await product.call("POST", "/fleet/jobs/bulk", { body: byKey });
      expect(named.body).toMatchObject({ matched: 3 });
      const bulk = (given: Given) =>
        product.call("POST", "/fleet/jobs/bulk", { body: { ...body, ...given } });
      expect((await bulk({ dryRun: true })).body).toEqual({ matched: 3, changed: 0, refused: 0 });
      expect((await bulk({ action: "redrive", reason: "x" })).body.errors).toMatchObject([
        { path: "reason" },
      ]);
      expect((await bulk({ reason: "no parent" })).body).toEqual({ matched: 3, changed: 3, refused: 0 });
      const jobs = await product.call("GET", `/fleet/jobs?parentId=${parent.id}`);
      expect(jobs.body.value.map(({ failure }) => failure?.message)).toEqual(Array(3).fill("no parent"));
      expect((await bulk({ action: "redrive" })).body).toMatchObject({ changed: 3 });
    });

    it.each([
      ["action", { action: "delete" }],
      ["filter", { filter: undefined }],
      ["filter.stage", { filter: { stage: "done" } }],
      ["filter.olderThan", { filter: { olderThan: "yesterday" } }],
      ["filter.colour", { filter: { colour: "red" } }],
      ["dryRun", { dryRun: "yes" }],
      ["continuation", { continuation: "bm90IGEgY3Vyc29y" }],
    ])("refuses a %s that is wrong", async (path, given) => {
      const body = { action: "cancel", filter: {}, ...given };
      const answer = await aProduct(app).call("POST", "/fleet/jobs/bulk", { body });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ code: "validation_failed", errors: [{ path }] });
    });
  });
});
