/** One job's life over HTTP, as whoever watches sees it: its decisions, its metrics, and what joins them. */
import { afterEach, describe, expect, it } from "vitest";
import { DECISION_FIELDS, correlation, decision } from "../../shared/schema/decision.js";
import { omit } from "../../shared/schema/omit.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, aSubmission } from "../support/http-fleet.js";
import type { Point } from "../support/meter.js";
import { aWatchedApp, decisionsIn } from "../support/watched-app.js";
import type { Watched } from "../support/watched-app.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

let app: HttpApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

async function watched(): Promise<Watched> {
  const started = await aWatchedApp();
  app = started.app;
  return started;
}

/** What a job's life says, without what every run makes anew, and store requests and durations. */
const counted = (points: readonly Point[]): Point[] =>
  points.filter(([name]) => !name.endsWith(".duration") && !name.startsWith("fleet.http"));

describe("one job's life", () => {
  it("shows as decisions and metrics, in order, under one correlation id", async () => {
    const { app, exporter } = await watched();
    const product = aProduct(app);
    const life: { step: string; decisions: string[]; metrics: string[] }[] = [];
    const requests: string[] = [];
    let seen = app.log.length;
    const step = async (name: string, method: string, path: string, body: object) => {
      const requestId = `life-${requests.length + 1}`;
      requests.push(requestId);
      const headers = { traceparent, "x-request-id": requestId };
      const answer = await product.call(method, path, { body, headers });
      expect(answer.headers.get("x-request-id")).toBe(requestId);
      const decisions = decisionsIn(app.log.slice(seen));
      seen = app.log.length;
      for (const told of decisions) expect(told).toMatchObject({ requestId, traceId: TRACE });
      const metrics = counted(await exporter.exported()).map(([metric, attributes, value]) =>
        `${metric} ${value} ${Object.values(omit(attributes, "product")).join(" ")}`.trim(),
      );
      life.push({ step: name, decisions: decisions.map((told) => told.decision), metrics });
      return answer.body;
    };
    await product.factory("f1");
    await exporter.exported();
    seen = app.log.length;

    await step("nothing yet", "POST", "/fleet/claim", { factoryId: "f1" });
    const submission = aSubmission();
    const { job } = await step("submit", "POST", "/fleet/jobs", submission);
    await step("submit again", "POST", "/fleet/jobs", submission);
    app.advance(10);
    await step("claim", "POST", "/fleet/claim", { factoryId: "f1" });
    const mine = { factoryId: "f1", leaseEpoch: 1 };
    await step("renew", "POST", `/fleet/jobs/${job.id}/lease/renew`, mine);
    await step("build", "PATCH", `/fleet/jobs/${job.id}`, { ...mine, stage: "building" });
    await step("zombie", "PATCH", `/fleet/jobs/${job.id}`, { ...mine, leaseEpoch: 7, stage: "shipped" });
    await step("release", "POST", `/fleet/jobs/${job.id}/lease/release`, mine);
    await step("claim again", "POST", "/fleet/claim", { factoryId: "f1" });
    const again = { factoryId: "f1", leaseEpoch: 2 };
    const insights = { costUsd: 1.5 };
    await step("ship", "PATCH", `/fleet/jobs/${job.id}`, { ...again, stage: "shipped", insights });

    // How long it waited depends on the machine; that it is the ten seconds and not the lease does not.
    const [waited] = life[3]?.metrics.splice(1, 1) ?? [];
    expect(waited).toMatch(/^fleet\.claim\.latency 1\d{4}(?:\.\d+)?$/);
    life[8]?.metrics.splice(1, 1);
    expect(life).toEqual([
      { step: "nothing yet", decisions: ["claim_empty"], metrics: ["fleet.claims.empty 1 no_job"] },
      { step: "submit", decisions: ["submitted"], metrics: ["fleet.submissions 1 created"] },
      { step: "submit again", decisions: ["existing"], metrics: ["fleet.submissions 1 existing"] },
      { step: "claim", decisions: ["claimed"], metrics: ["fleet.claims 1"] },
      { step: "renew", decisions: ["renewed"], metrics: ["fleet.renewals 1"] },
      { step: "build", decisions: ["stage_changed"], metrics: [] },
      { step: "zombie", decisions: ["fenced"], metrics: ["fleet.fences 1 patch stale_lease"] },
      { step: "release", decisions: ["released"], metrics: [] },
      { step: "claim again", decisions: ["claimed"], metrics: ["fleet.claims 1"] },
      { step: "ship", decisions: ["shipped"], metrics: ["fleet.ships 1", "fleet.run.cost 1.5"] },
    ]);
    // The job's id finds the whole of it, but for what was asked before there was a job.
    const ofJob = decisionsIn(app.log).filter((told) => told["jobId"] === job.id);
    expect(ofJob.map((told) => told.requestId)).toEqual(requests.slice(1));
  });

  it("shows HTTP answers by route and status, and store requests by outcome", async () => {
    const { app, exporter } = await watched();
    const product = aProduct(app);
    await product.submit();
    await product.call("GET", "/fleet/jobs/nobody-has-it");
    const points = await exporter.exported();
    expect(points).toContainEqual(["fleet.http.requests", { route: "submit-job", status: 201 }, 1]);
    expect(points).toContainEqual(["fleet.http.requests", { route: "get-job", status: 404 }, 1]);
    const stored = points.filter(([name]) => name === "fleet.store.duration");
    expect(stored.map(([, attributes]) => attributes)).toContainEqual({
      operation: "create",
      outcome: "done",
    });
  });

  it("a pass of the reaper tells what it did, and how much waits in each product", async () => {
    const { app, exporter } = await watched();
    const product = aProduct(app);
    const job = await product.claimed("f1");
    await product.submit();
    app.advance(90 + 2 + 1);
    const before = app.log.length;
    await app.runReaper();
    const told = decisionsIn(app.log.slice(before));
    expect(told).toMatchObject([
      { decision: "expired", jobId: job.id, factoryId: "f1" },
      { decision: "reaper_pass", reaped: 1, failed: 0 },
      { decision: "snapshot", productId: product.id, queued: 2, liveLeases: 0 },
    ]);
    expect(new Set(told.map(({ requestId, traceId }) => `${requestId} ${String(traceId)}`)).size).toBe(1);
    const points = await exporter.exported();
    expect(points).toContainEqual(["fleet.jobs", { product: product.id, stage: "queued" }, 2]);
    expect(points).toContainEqual(["fleet.expiries", { product: product.id }, 1]);
  });
});

describe("what is told", () => {
  it("is in the closed list, field by field, and holds no text of a caller's and no secret", async () => {
    const { app } = await watched();
    const product = aProduct(app);
    const canary = "c4nary";
    await product.factory("f1", { capabilities: [canary], engines: [canary], descriptor: { canary } });
    const given = { idempotencyKey: `${canary}-key`, bodyMd: canary, manifestSnapshot: { canary } };
    const more = { capabilities: [canary], engineClass: canary, trackerItemId: canary, parentId: canary };
    const job = await product.submit({ ...given, ...more });
    await product.call("POST", "/fleet/jobs", { body: { ...given, ...more, bodyMd: `${canary} again` } });
    await product.call("POST", "/fleet/jobs", { body: aSubmission({ deps: [`key:${canary}`] }) });
    await product.claim("f1", { claimId: canary });
    await product.call("POST", "/fleet/claim", { body: { factoryId: "f1", claimId: canary } });
    const mine = { factoryId: "f1", leaseEpoch: 1 };
    const report = { checkpoint: { wipBranch: canary }, result: canary, verifyResult: { canary } };
    await product.call("PATCH", `/fleet/jobs/${job.id}`, { body: { ...mine, ...report } });
    const headers = { "idempotency-key": canary };
    const failure = { kind: canary, message: canary };
    const insights = { model: canary, costUsd: 1 };
    const end = { ...mine, stage: "failed", failure, insights };
    await product.call("PATCH", `/fleet/jobs/${job.id}`, { body: end, headers });
    const release = { ...mine, reason: canary };
    await product.call("POST", `/fleet/jobs/${job.id}/lease/release`, { body: release });
    await app.runReaper();

    const told = decisionsIn(app.log);
    expect(new Set(told.map((line) => line.decision))).toEqual(
      new Set([
        ...["submitted", "superseded", "refused", "claimed", "claim_repeated", "checkpointed", "failed"],
        ...["fenced", "reaper_pass", "snapshot"],
      ]),
    );
    for (const { requestId, traceId, caller, ...line } of told) {
      expect(decision.parse(line)).toEqual(line);
      correlation.parse({ requestId, traceId, caller });
      expect(caller).toBe(["reaper_pass", "snapshot"].includes(line.decision) ? undefined : "admin");
      const fields = DECISION_FIELDS.get(line.decision) ?? [];
      expect(fields).toEqual(expect.arrayContaining([...Object.keys(line), "requestId", "traceId"]));
    }
    expect(app.log.join("\n")).not.toContain(canary);
    expect(app.log.join("\n")).not.toMatch(/key-of-|InstrumentationKey/);
  });

  it("names a request that failed here, beside the log's line of what went wrong", async () => {
    app = await startApp("memory", { LEASE_SECONDS: "0" });
    await app.call("GET", "/fleet/stats", { headers: { "x-request-id": "unlucky-1" } });
    const told = decisionsIn(app.log).filter(({ requestId }) => requestId === "unlucky-1");
    expect(told).toMatchObject([{ decision: "request_failed", code: "misconfigured" }]);
  });

  it("is the same with monitoring off", async () => {
    app = await startApp("memory");
    const product = aProduct(app);
    await product.claimed("f1");
    expect(decisionsIn(app.log).map((told) => told.decision)).toEqual(["submitted", "claimed"]);
  });
});
