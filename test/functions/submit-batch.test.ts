import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, aSubmission } from "../support/http-fleet.js";
import type { Product } from "../support/http-fleet.js";

const send = (product: Product, jobs: unknown, key: "submit" | "admin" = "submit") =>
  product.call("POST", "/fleet/jobs/batch", { body: { jobs }, key });
const job = (idempotencyKey: string, given: object = {}) => aSubmission({ idempotencyKey, ...given });

describe.each(["memory", "cosmos"] as const)("POST /fleet/jobs/batch (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  const countOf = async (product: Product) =>
    (await product.call("GET", "/fleet/jobs?limit=200")).body.value.length;

  it("submits jobs that depend on one another by key, and answers each in the order given", async () => {
    const product = aProduct(app);
    const answer = await send(product, [job("b", { deps: ["key:a"] }), job("a", { priority: "high" })]);
    expect(answer.status).toBe(200);
    const [b, a] = answer.body.results;
    expect(b).toMatchObject({ outcome: "created", job: { idempotencyKey: "b", stage: "blocked" } });
    expect(a).toMatchObject({ outcome: "created", job: { idempotencyKey: "a", stage: "queued" } });
    expect(b?.job?.deps).toEqual([a?.job?.id]);
    expect(answer.headers.get("retry-after")).toBeNull();
    const alone = await product.call("GET", `/fleet/jobs/${b?.job?.id ?? ""}`);
    expect(alone.body).toEqual(b?.job);
  });

  it("sent again answers existing, and completes what is missing", async () => {
    const product = aProduct(app);
    const jobs = [job("c", { deps: ["key:b"] }), job("b", { deps: ["key:a"] }), job("a")];
    await send(product, jobs.slice(2));
    const outcomes = async () => (await send(product, jobs)).body.results.map(({ outcome }) => outcome);
    expect(await outcomes()).toEqual(["created", "created", "existing"]);
    expect(await outcomes()).toEqual(["existing", "existing", "existing"]);
  });

  it("takes a hundred jobs, and a composite with its children, and refuses more or none", async () => {
    const product = aProduct(app);
    const children = Array.from({ length: 99 }, (_, n) => job(`child-${n}`, { parentId: "key:epic" }));
    const epic = job("epic", {
      kind: "composite",
      deps: children.slice(0, 64).map((c) => `key:${c.idempotencyKey}`),
    });
    const { body, status } = await send(product, [epic, ...children]);
    expect(status).toBe(200);
    expect(new Set(body.results.map(({ outcome }) => outcome))).toEqual(new Set(["created"]));
    const shown = await product.call("GET", `/fleet/jobs/${body.results[0]?.job?.id ?? ""}`);
    expect(shown.body.children).toMatchObject({ total: 99, stages: { queued: 99 } });
    for (const jobs of [[], [epic, ...children, job("one-more")]])
      expect((await send(product, jobs)).body).toMatchObject({ status: 400, errors: [{ path: "jobs" }] });
  });

  it("names each entry that is of the wrong shape, by its index, and writes nothing", async () => {
    const product = aProduct(app);
    const answer = await send(product, [job("a"), job("b", { colour: "red", priority: "urgent" }), 7]);
    expect([answer.status, answer.body.code]).toEqual([400, "validation_failed"]);
    const told = answer.body.errors.map(({ path }) => path).toSorted();
    expect(told).toEqual(["jobs.1.colour", "jobs.1.priority", "jobs.2"]);
    expect(answer.body.errors).toContainEqual({
      index: 1,
      code: "validation_failed",
      path: "jobs.1.colour",
      message: "is not known here",
    });
    expect(await countOf(product)).toBe(0);
  });

  it("names the entry whose text no store keeps", async () => {
    const raw = `{"jobs":[{"idempotencyKey":"a","bodyMd":"\\ud800"}]}`;
    const answer = await aProduct(app).call("POST", "/fleet/jobs/batch", { raw });
    expect(answer.body.errors).toMatchObject([
      { index: 0, code: "validation_failed", path: "jobs.0.bodyMd" },
    ]);
  });

  it.each<[string, readonly object[], number, string, object]>([
    [
      "a key twice",
      [job("a"), job("a")],
      400,
      "validation_failed",
      { index: 1, path: "jobs.1.idempotencyKey" },
    ],
    [
      "a profile that is not there",
      [job("a"), job("b", { profile: "none" })],
      400,
      "validation_failed",
      { index: 1, path: "jobs.1.profile" },
    ],
    [
      "a dependency that is not there",
      [job("a"), job("b", { deps: ["key:a", "key:none"] })],
      422,
      "unknown_dependency",
      { index: 1, path: "jobs.1.deps", missing: ["key:none"] },
    ],
    [
      "a cycle",
      [job("a", { deps: ["key:b"] }), job("b", { deps: ["key:a"] })],
      422,
      "dependency_cycle",
      { index: 0, path: "jobs.0.deps", cycle: ["key:a", "key:b", "key:a"] },
    ],
  ])("refuses %s: its index and code, and nothing is written", async (_what, jobs, status, code, error) => {
    const product = aProduct(app);
    const answer = await send(product, jobs);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.errors).toMatchObject([{ code, ...error }]);
    expect(answer.body.detail).toContain("Nothing was written");
    expect(await countOf(product)).toBe(0);
  });

  it("refuses what would change a job in work, or close a cycle with jobs that are there", async () => {
    const product = aProduct(app);
    await send(product, [job("a"), job("b", { deps: ["key:a"] })]);
    const cycle = await send(product, [job("new"), job("a", { deps: ["key:b"] })]);
    expect([cycle.status, cycle.body.code]).toEqual([422, "dependency_cycle"]);
    await product.factory("f1");
    const { job: owned } = await product.claim("f1");
    const conflict = await send(product, [job("new"), job("a", { bodyMd: "other" })]);
    expect([conflict.status, conflict.body.code]).toEqual([409, "idempotency_conflict"]);
    const { id: jobId } = owned;
    expect(conflict.body.errors).toMatchObject([{ index: 1, jobId, stage: "assigned" }]);
    // What is worst decides the status; each error has its own code.
    const jobs = [job("a", { bodyMd: "other" }), job("n", { deps: ["key:no"] }), job("p", { profile: "no" })];
    const all = await send(product, jobs);
    expect(all.status).toBe(400);
    const codes = (all.body.errors as unknown as { code: string }[]).map(({ code }) => code);
    expect(codes).toEqual(["idempotency_conflict", "unknown_dependency", "validation_failed"]);
    expect(await countOf(product)).toBe(2);
  });

  it("does not find another product's jobs", async () => {
    const foreign = await aProduct(app).submit();
    const answer = await send(aProduct(app), [job("a", { deps: [foreign.id] })]);
    expect([answer.status, answer.body.code]).toEqual([422, "unknown_dependency"]);
  });

  it("makes each job once when ten send it at once", async () => {
    const product = aProduct(app);
    const jobs = [job("b", { deps: ["key:a"] }), job("a")];
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(product, jobs)));
    for (const place of [0, 1]) {
      const outcomes = answers.map(({ body }) => body.results[place]?.outcome);
      expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
    }
    expect(await countOf(product)).toBe(2);
  });
});
