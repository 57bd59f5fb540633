import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_NUMBER, A_STRING } from "../support/http-answer.js";
import type { Given } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct } from "../support/http-fleet.js";

const LOST = { action: "stop", reason: "lease_lost" };

describe.each(["memory", "cosmos"] as const)("renewing and releasing (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  async function holding(given: Given = {}) {
    const product = aProduct(app);
    const job = await product.claimed("f1", given);
    const lease = (verb: "renew" | "release", body: Given = {}, headers: Record<string, string> = {}) =>
      product.call("POST", `/fleet/jobs/${job.id}/lease/${verb}`, {
        key: "factory",
        body: { factoryId: "f1", leaseEpoch: 1, ...body },
        headers,
      });
    return { product, job, lease };
  }

  it("renews from now on, counts it, and tells the worker to go on", async () => {
    const { job, lease } = await holding();
    const first = await lease("renew", { leaseSeconds: 300, insights: { tokensOut: 5 } });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      lease: {
        jobId: job.id,
        holderFactoryId: "f1",
        leaseEpoch: 1,
        status: "held",
        renewals: 1,
        expiresAt: A_STRING,
        remainingSeconds: A_NUMBER,
        renewAfterSeconds: 100,
      },
      directive: { action: "continue" },
    });
    expect(first.body.lease.remainingSeconds).toBeGreaterThan(290);
    const second = await lease("renew");
    expect(second.body.lease).toMatchObject({ renewals: 2, renewAfterSeconds: 100 });
  });

  it("leaves Idempotency-Key unread on a renewal, which is repeatable by nature", async () => {
    const { lease } = await holding();
    const headers = { "idempotency-key": "not an id" };
    expect((await lease("renew", {}, headers)).body.lease.renewals).toBe(1);
  });

  it("gives the job back with its checkpoint, and does not count the attempt", async () => {
    const { product, job, lease } = await holding();
    const checkpoint = { wipBranch: "wip/7", wipCommit: "abc" };
    const released = await lease("release", { checkpoint, reason: "shutting down" });
    expect(released.status).toBe(200);
    expect(released.body).toMatchObject({
      job: { id: job.id, stage: "queued", attempt: 0, leaseEpoch: 1, checkpoint },
      lease: { status: "released", leaseEpoch: 1, remainingSeconds: 0 },
    });
    expect(released.body.job).not.toHaveProperty("holderFactoryId");
    await product.factory("f2");
    const next = await product.claim("f2");
    expect(next.job).toMatchObject({ id: job.id, attempt: 1, leaseEpoch: 2, checkpoint });
  });

  it("answers a release that is repeated under its key as it did, and fences one without a key", async () => {
    const { lease } = await holding();
    const key = { "idempotency-key": "op-1" };
    const first = await lease("release", { reason: "a" }, key);
    const again = await lease("release", { reason: "a" }, key);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body.job).toEqual(first.body.job);
    const keyless = await lease("release", { reason: "a" });
    expect([keyless.status, keyless.body.code]).toEqual([409, "lease_not_held"]);
    const bad = await lease("release", {}, { "idempotency-key": "/" });
    expect(bad.body).toMatchObject({ status: 400, errors: [{ path: "Idempotency-Key" }] });
  });

  it.each(["renew", "release"] as const)(
    "fences %s off: another epoch, another factory, nobody's",
    async (verb) => {
      const { product, job, lease } = await holding();
      const stale = await lease(verb, { leaseEpoch: 2 });
      const other = await lease(verb, { factoryId: "f2" });
      await product.call("PATCH", `/fleet/jobs/${job.id}`, {
        body: { factoryId: "f1", leaseEpoch: 1, stage: "shipped" },
      });
      const ended = await lease(verb);
      expect([stale.status, other.status, ended.status]).toEqual([409, 409, 409]);
      expect([stale.body, other.body, ended.body]).toMatchObject([
        { code: "stale_lease", currentEpoch: 1, stage: "assigned", directive: LOST },
        { code: "not_holder", currentEpoch: 1, stage: "assigned", directive: LOST },
        { code: "lease_not_held", currentEpoch: 1, stage: "shipped", directive: LOST },
      ]);
    },
  );

  it.each([
    ["renew", "leaseEpoch", { leaseEpoch: "1" }],
    ["renew", "leaseSeconds", { leaseSeconds: 0 }],
    ["renew", "insights.turns", { insights: { turns: "many" } }],
    ["renew", "checkpoint", { checkpoint: {} }],
    ["release", "checkpoint.colour", { checkpoint: { colour: 1 } }],
    ["release", "reason", { reason: 1 }],
    ["release", "leaseSeconds", { leaseSeconds: 1 }],
  ] as const)("names what is wrong in the body of %s: %s", async (verb, path, given) => {
    const { lease } = await holding();
    expect((await lease(verb, given)).body).toMatchObject({ status: 400, errors: [{ path }] });
  });

  it("takes the job from a factory that fell silent, and fences off what it still sends", async () => {
    const { product, job, lease } = await holding();
    await product.call("PATCH", `/fleet/jobs/${job.id}`, {
      body: { factoryId: "f1", leaseEpoch: 1, checkpoint: { wipCommit: "kept" } },
    });
    app.advance(90 + 2 + 1);
    expect(await app.runReaper()).toEqual({ kind: "ran" });
    expect(app.log.join("\n")).toMatch(/information: reaper: {"decision":"reaper_pass",.*"failed":0/);
    const late = await lease("renew");
    expect(late.body).toMatchObject({
      code: "stale_lease",
      currentEpoch: 2,
      stage: "queued",
      directive: LOST,
    });
    await product.factory("f2");
    const next = await product.claim("f2");
    expect(next.job).toMatchObject({ id: job.id, leaseEpoch: 3, checkpoint: { wipCommit: "kept" } });
    expect((await lease("release")).body).toMatchObject({ code: "stale_lease", currentEpoch: 3 });
  });

  it("leaves the job of a factory that renews in time", async () => {
    const { product, job, lease } = await holding();
    app.advance(60);
    await lease("renew");
    app.advance(60);
    await app.runReaper();
    expect((await product.call("GET", `/fleet/jobs/${job.id}`)).body).toMatchObject({
      stage: "assigned",
      leaseEpoch: 1,
    });
  });
});
