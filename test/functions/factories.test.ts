import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_NUMBER, A_STRING } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aHeartbeat, aProduct, everyPage } from "../support/http-fleet.js";

describe.each(["memory", "cosmos"] as const)("factories (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  it("register by a heartbeat, which answers what the coordinator believes they hold", async () => {
    const product = aProduct(app);
    const body = aHeartbeat("f1", { capabilities: ["linux"], load: 0.5, descriptor: { host: "m1" } });
    const first = await product.call("POST", "/fleet/factories/heartbeat", { key: "factory", body });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      factory: { ...body, productId: product.id, lastHeartbeatAt: A_STRING, stale: false },
      leases: [],
      directive: { action: "continue" },
    });
    const job = await product.submit();
    const { lease } = await product.claim("f1");
    const second = await product.call("POST", "/fleet/factories/heartbeat", { body });
    expect(second.body.leases).toEqual([{ ...lease, remainingSeconds: A_NUMBER }]);
    expect(second.body.leases[0]?.jobId).toBe(job.id);
  });

  it.each([
    ["capabilities", { capabilities: undefined }],
    ["capabilities.0", { capabilities: ["x".repeat(65)] }],
    ["capabilities", { capabilities: Array.from({ length: 65 }, (_, n) => `c${n}`) }],
    ["seatLimit", { seatLimit: -1 }],
    ["load", { load: -0.1 }],
    ["health", { health: "fine" }],
    ["descriptor", { descriptor: "x".repeat(8 * 1024) }],
    ["bootId", { bootId: "../b1" }],
  ])("are refused a heartbeat whose %s is wrong", async (path, given) => {
    const { call } = aProduct(app);
    const answer = await call("POST", "/fleet/factories/heartbeat", { body: aHeartbeat("f1", given) });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "validation_failed", errors: [{ path }] });
  });

  it("are listed page by page in the order of their ids, and stale when they fell silent", async () => {
    const product = aProduct(app);
    for (const name of ["f3", "f1", "f5"]) await product.factory(name);
    app.advance(121);
    for (const name of ["f2", "f4"]) await product.factory(name);
    await aProduct(app).factory("f9");
    const pages = await everyPage(product, "/fleet/factories?limit=2");
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat().map((factory) => [factory.factoryId, factory.stale])).toEqual([
      ["f1", true],
      ["f2", false],
      ["f3", true],
      ["f4", false],
      ["f5", true],
    ]);
    const stats = await product.call("GET", "/fleet/stats");
    expect(stats.body.factories).toEqual({ fresh: 2, stale: 3 });
  });

  it("are shown one by one, and to their product alone", async () => {
    const product = aProduct(app);
    await product.factory("f1", { seatLimit: 3 });
    const found = await product.call("GET", "/fleet/factories/f1");
    expect(found.body).toMatchObject({ factoryId: "f1", seatLimit: 3, stale: false });
    expect(found.body).not.toHaveProperty("schemaVersion");
    const stranger = aProduct(app);
    const foreign = await stranger.call("GET", "/fleet/factories/f1");
    const missing = await stranger.call("GET", "/fleet/factories/f2");
    expect(foreign.status).toBe(404);
    expect({ ...foreign.body, instance: "" }).toEqual({ ...missing.body, instance: "" });
  });

  it("refuse a cursor of another list", async () => {
    const { call } = aProduct(app);
    for (const place of ["[1]", '["a/b"]', '["2026-01-01T00:00:00.000Z","j1"]', "{}"]) {
      const cursor = Buffer.from(place).toString("base64url");
      const answer = await call("GET", `/fleet/factories?cursor=${cursor}`);
      expect(answer.body).toMatchObject({ status: 400, errors: [{ path: "cursor" }] });
    }
    expect((await call("GET", "/fleet/factories?limit=0")).status).toBe(400);
  });

  it("count in the stats of their product, with jobs by stage and what the queue asks for", async () => {
    const product = aProduct(app);
    await product.claimed("f1");
    const dep = await product.submit({ capabilities: ["gpu", "linux"] });
    await product.submit({ capabilities: ["linux", "gpu"] });
    await product.submit({ deps: [dep.id] });
    app.advance(30);
    const { body } = await product.call("GET", "/fleet/stats", { key: "read" });
    expect(body).toEqual({
      jobs: {
        queued: 2,
        blocked: 1,
        assigned: 1,
        building: 0,
        review: 0,
        testing: 0,
        shipped: 0,
        failed: 0,
        dead_letter: 0,
      },
      oldestQueuedSeconds: A_NUMBER,
      owned: 1,
      factories: { fresh: 1, stale: 0 },
      waiting: [{ capabilities: ["gpu", "linux"], count: 2 }],
      unserved: [{ capabilities: ["gpu", "linux"], count: 2 }],
      engines: [],
    });
    expect(body.oldestQueuedSeconds).toBeGreaterThanOrEqual(30);
  });
});
