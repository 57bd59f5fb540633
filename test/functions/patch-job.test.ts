import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_STRING } from "../support/http-answer.js";
import type { Given } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct } from "../support/http-fleet.js";

const LOST = { action: "stop", reason: "lease_lost" };

describe.each(["memory", "cosmos"] as const)("PATCH /fleet/jobs/{id} (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  /** A claimed job, and a way to patch it as its holder. */
  async function holding() {
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const patch = (given: Given, headers: Record<string, string> = {}) =>
      product.call("PATCH", `/fleet/jobs/${job.id}`, {
        key: "factory",
        body: { factoryId: "f1", leaseEpoch: 1, ...given },
        headers,
      });
    return { product, job, patch };
  }

  it("moves the job, keeps what the worker reports, and tells it to go on", async () => {
    const { job, patch } = await holding();
    const checkpoint = { wipBranch: "wip/1", wipBase: "main", wipCommit: "abc" };
    const building = await patch({ stage: "building", checkpoint, insights: { tokensIn: 10 } });
    expect(building.status).toBe(200);
    expect(building.body).toMatchObject({
      job: { id: job.id, stage: "building", checkpoint, holderFactoryId: "f1" },
      directive: { action: "continue" },
    });
    const end = { stage: "shipped", result: { pr: 7 }, verifyResult: ["ok"], exit: 0 };
    const shipped = await patch(end);
    expect(shipped.body.job).toMatchObject({ ...end, checkpoint });
  });

  it("answers a repeated final patch with 200, and a zombie's with 409", async () => {
    const { patch } = await holding();
    await patch({ stage: "failed", failure: { kind: "verify", message: "red" } });
    const again = await patch({ stage: "failed", failure: { kind: "verify", message: "red" } });
    expect([again.status, again.body.job.failure?.kind]).toEqual([200, "verify"]);
    const late = await patch({ stage: "shipped" });
    expect(late.status).toBe(409);
    expect(late.body).toMatchObject({
      code: "lease_not_held",
      currentEpoch: 1,
      stage: "failed",
      directive: LOST,
    });
  });

  it("fences off another epoch and another factory, and says what is the case", async () => {
    const { patch } = await holding();
    for (const leaseEpoch of [2, 99]) {
      const stale = await patch({ leaseEpoch, stage: "shipped" });
      expect(stale.status).toBe(409);
      expect(stale.body).toEqual({
        type: "about:blank",
        title: A_STRING,
        status: 409,
        detail: A_STRING,
        instance: stale.headers.get("x-request-id"),
        code: "stale_lease",
        currentEpoch: 1,
        stage: "assigned",
        directive: LOST,
      });
    }
    const other = await patch({ factoryId: "f2", stage: "shipped" });
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({
      code: "not_holder",
      currentEpoch: 1,
      stage: "assigned",
      directive: LOST,
    });
  });

  it("refuses a move that the stage machine doesn't have: 409 with from, to and what is allowed", async () => {
    const { patch } = await holding();
    for (const to of ["queued", "blocked", "assigned", "dead_letter"]) {
      const answer = await patch({ stage: to });
      expect(answer.status).toBe(409);
      expect(answer.body).toMatchObject({
        code: "illegal_transition",
        from: "assigned",
        to,
        allowed: ["building", "review", "testing", "shipped", "failed"],
      });
    }
  });

  it("has one effect under one key: the same body repeats the answer, another is refused", async () => {
    const { product, job, patch } = await holding();
    const key = { "idempotency-key": "op-1" };
    const body = { stage: "building", checkpoint: { wipCommit: "a" } };
    const first = await patch(body, key);
    await patch({ stage: "review" });
    const again = await patch(body, key);
    expect([first.status, again.status, again.body.job.stage]).toEqual([200, 200, "review"]);

    const other = await patch({ ...body, stage: "testing" }, key);
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({ code: "idempotency_conflict", jobId: job.id, stage: "review" });
    const events = await product.call("GET", `/fleet/jobs/${job.id}/events`);
    expect(events.body.value.map((event) => event.type)).toEqual([
      "submitted",
      "claimed",
      "stage_changed",
      "stage_changed",
    ]);
    const bad = await patch(body, { "idempotency-key": "not an id" });
    expect(bad.body).toMatchObject({ code: "validation_failed", errors: [{ path: "Idempotency-Key" }] });
  });

  it("names what is wrong in the body", async () => {
    const { patch } = await holding();
    const wrong: [string, Given][] = [
      ["leaseEpoch", { leaseEpoch: 0 }],
      ["leaseEpoch", { leaseEpoch: 1.5 }],
      ["factoryId", { factoryId: "../f" }],
      ["stage", { stage: "done" }],
      ["checkpoint.colour", { checkpoint: { colour: "red" } }],
      ["checkpoint.wipBranch", { checkpoint: { wipBranch: 1 } }],
      ["insights.tokensIn", { insights: { tokensIn: -1 } }],
      ["insights.colour", { insights: { colour: 1 } }],
      ["exit", { exit: 0.5 }],
      ["failure", { failure: { kind: "error" } }],
      ["failure.kind", { stage: "failed", failure: { kind: "No Word" } }],
      ["result", { result: "x".repeat(16 * 1024) }],
      ["budget", { budget: {} }],
    ];
    for (const [path, given] of wrong) {
      const answer = await patch(given);
      expect(answer.body).toMatchObject({ status: 400, code: "validation_failed", errors: [{ path }] });
    }
  });

  it("unblocks whoever waits for the job that it ships", async () => {
    const { product, job, patch } = await holding();
    const waiting = await product.submit({ deps: [job.id] });
    expect(waiting.stage).toBe("blocked");
    await patch({ stage: "shipped" });
    expect((await product.call("GET", `/fleet/jobs/${waiting.id}`)).body.stage).toBe("queued");
  });
});
