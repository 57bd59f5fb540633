import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_STRING } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, aSubmission } from "../support/http-fleet.js";

describe.each(["memory", "cosmos"] as const)("POST /fleet/jobs (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  it("creates a job, and shows it as the contract names it", async () => {
    const { call, id } = aProduct(app);
    const body = aSubmission({ bodyMd: "# Naïve ✓\n", priority: "high", capabilities: ["linux", "linux"] });
    const answer = await call("POST", "/fleet/jobs", { body, key: "submit" });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      outcome: "created",
      job: {
        id: A_STRING,
        productId: id,
        idempotencyKey: body.idempotencyKey,
        contentHash: A_STRING,
        kind: "leaf",
        priority: "high",
        capabilities: ["linux"],
        deps: [],
        depsMode: "hard",
        onDependencyFailure: "block",
        bodyMd: "# Naïve ✓\n",
        stage: "queued",
        attempt: 0,
        leaseEpoch: 0,
        createdAt: A_STRING,
        updatedAt: A_STRING,
        stageChangedAt: A_STRING,
      },
    });
    expect(answer.body.job.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it("answers existing, superseded and outdated with 200, and the job as it is", async () => {
    const { call } = aProduct(app);
    const first = aSubmission({ bodyMd: "first" });
    const second = { ...first, bodyMd: "second" };
    const outcomes: unknown[] = [];
    for (const body of [first, first, second, first]) {
      const answer = await call("POST", "/fleet/jobs", { body });
      outcomes.push([answer.status, answer.body.outcome, answer.body.job.bodyMd]);
    }
    expect(outcomes).toEqual([
      [201, "created", "first"],
      [200, "existing", "first"],
      [200, "superseded", "second"],
      [200, "outdated", "second"],
    ]);
  });

  it("refuses another content once the job is claimed: 409 with the job's id and stage", async () => {
    const product = aProduct(app);
    const job = await product.claimed();
    const body = { idempotencyKey: job.idempotencyKey, bodyMd: "another" };
    const answer = await product.call("POST", "/fleet/jobs", { body });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: "idempotency_conflict", jobId: job.id, stage: "assigned" });
  });

  it("shows the job after its deps were judged, and knows them by id and by key", async () => {
    const product = aProduct(app);
    const dep = await product.submit();
    const other = await product.submit();
    const job = await product.submit({ deps: [dep.id, `key:${other.idempotencyKey}`] });
    expect(job).toMatchObject({
      stage: "blocked",
      deps: [dep.id, other.id],
      blockedBy: [
        { jobId: dep.id, stage: "queued" },
        { jobId: other.id, stage: "queued" },
      ],
    });
  });

  it("answers 422 with what is missing, and with the cycle", async () => {
    const product = aProduct(app);
    const missing = await product.call("POST", "/fleet/jobs", {
      body: aSubmission({ deps: ["jnothing", "key:no-such-key"] }),
    });
    expect(missing.status).toBe(422);
    expect(missing.body).toMatchObject({
      code: "unknown_dependency",
      missing: ["jnothing", "key:no-such-key"],
    });

    const itself = await product.call("POST", "/fleet/jobs", {
      body: aSubmission({ idempotencyKey: "self", deps: ["key:self"] }),
    });
    expect([itself.status, itself.body.code]).toEqual([422, "dependency_cycle"]);

    const first = await product.submit();
    const second = await product.submit({ deps: [first.id] });
    const back = { idempotencyKey: first.idempotencyKey, bodyMd: "now it waits", deps: [second.id] };
    const cycle = await product.call("POST", "/fleet/jobs", { body: back });
    expect(cycle.status).toBe(422);
    expect(cycle.body).toMatchObject({ code: "dependency_cycle", cycle: [first.id, second.id, first.id] });

    const later = await product.submit();
    const onLater = { ...back, deps: [later.id] };
    const order = await product.call("POST", "/fleet/jobs", { body: onLater });
    expect([order.status, order.body.code]).toEqual([422, "dependency_order"]);
  });

  it("does not find another product's job as a dependency", async () => {
    const foreign = await aProduct(app).submit();
    const answer = await aProduct(app).call("POST", "/fleet/jobs", {
      body: aSubmission({ deps: [foreign.id] }),
    });
    expect([answer.status, answer.body.code]).toEqual([422, "unknown_dependency"]);
  });

  it("takes the key from the header, the body, or both where they agree", async () => {
    const { call } = aProduct(app);
    const headers = { "idempotency-key": "header-key" };
    const byHeader = await call("POST", "/fleet/jobs", { body: { bodyMd: "x" }, headers });
    expect([byHeader.status, byHeader.body.job.idempotencyKey]).toEqual([201, "header-key"]);
    const both = { idempotencyKey: "header-key", bodyMd: "x" };
    expect((await call("POST", "/fleet/jobs", { body: both, headers })).body.outcome).toBe("existing");

    const differ = await call("POST", "/fleet/jobs", { body: { ...both, idempotencyKey: "b" }, headers });
    expect(differ.status).toBe(400);
    expect(differ.body.errors).toMatchObject([{ path: "idempotencyKey" }]);
    const neither = await call("POST", "/fleet/jobs", { body: { bodyMd: "x" } });
    expect(neither.body.errors).toMatchObject([{ path: "idempotencyKey" }]);
    const bad = await call("POST", "/fleet/jobs", { body: both, headers: { "idempotency-key": "a/b" } });
    expect(bad.body.errors).toMatchObject([{ path: "Idempotency-Key" }]);
  });

  it("takes a profile that is there, and shows it", async () => {
    const product = aProduct(app);
    await product.call("PUT", "/fleet/profiles/careful", { body: { snapshot: { model: "opus" } } });
    expect(await product.submit({ profile: "careful" })).toMatchObject({ profile: "careful" });
    for (const profile of ["bold", "careful:2", "careful:0", "careful:", "a/b", 7]) {
      const answer = await product.call("POST", "/fleet/jobs", { body: aSubmission({ profile }) });
      expect([answer.status, answer.body.code]).toEqual([400, "validation_failed"]);
      expect(answer.body.errors).toMatchObject([{ path: "profile" }]);
    }
    const foreign = await aProduct(app).call("POST", "/fleet/jobs", {
      body: aSubmission({ profile: "careful" }),
    });
    expect(foreign.body).toMatchObject({ status: 400, errors: [{ path: "profile" }] });
  });

  it("takes a parent by id or by key, and no job needs to have it yet", async () => {
    const product = aProduct(app);
    const label = await product.submit({ parentId: "epic-1" });
    expect(label.parentId).toBe("epic-1");
    const child = await product.submit({ parentId: "key:epic" });
    const parent = await product.submit({ idempotencyKey: "epic", kind: "composite", deps: [child.id] });
    expect(child.parentId).toBe(parent.id);
    const bad = await product.call("POST", "/fleet/jobs", { body: aSubmission({ parentId: "a b" }) });
    expect(bad.body).toMatchObject({ status: 400, errors: [{ path: "parentId" }] });
  });

  it("names the element that is wrong", async () => {
    const { call } = aProduct(app);
    const body = aSubmission({ capabilities: ["ok", "not\nok"], deps: ["/"], priority: "urgent" });
    const answer = await call("POST", "/fleet/jobs", { body });
    const paths = answer.body.errors.map((error) => error.path);
    expect(paths.toSorted()).toEqual(["capabilities.1", "deps.0", "priority"]);
  });

  it("holds bodyMd to 256 KiB of UTF-8 and manifestSnapshot to 64 KiB of JSON", async () => {
    const { call } = aProduct(app);
    const manifestSnapshot = "x".repeat(64 * 1024 - 2);
    const most = aSubmission({ bodyMd: "é".repeat(128 * 1024), manifestSnapshot });
    expect((await call("POST", "/fleet/jobs", { body: most })).status).toBe(201);
    for (const [path, text] of [
      ["bodyMd", `${most.bodyMd}x`],
      ["manifestSnapshot", `${manifestSnapshot}x`],
    ] as const) {
      const answer = await call("POST", "/fleet/jobs", { body: { ...most, [path]: text } });
      expect(answer.body).toMatchObject({ status: 400, errors: [{ path }] });
    }
  });

  it("creates one job of twenty submissions at once", async () => {
    const { call } = aProduct(app);
    const body = aSubmission();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call("POST", "/fleet/jobs", { body })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.body.job.id)).size).toBe(1);
  });
});
