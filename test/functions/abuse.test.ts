/** Limits on what one caller may ask for, through the app as it is set up. */
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { startApp } from "../support/http-app.js";
import { aProduct, aSubmission } from "../support/http-fleet.js";
import { decisionsIn } from "../support/watched-app.js";

/** Something that takes connections and answers nothing, until it is closed. */
async function aSilentStore() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
  const asked = new Promise((resolve) => server.once("connection", resolve));
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${port}`, asked, close };
}

describe("REQUESTS_PER_CREDENTIAL_MAX", () => {
  it("holds for the whole app: a second request is refused while the first waits for the store", async () => {
    const store = await aSilentStore();
    const app = await startApp("memory", {
      DB_PROVIDER: "cosmos",
      COSMOS_ENDPOINT: store.url,
      COSMOS_KEY: "ZHVtbXk=",
      REQUESTS_PER_CREDENTIAL_MAX: "1",
    });
    const first = app.call("GET", "/fleet/stats", { key: "read" });
    await store.asked;
    const second = await app.call("GET", "/fleet/jobs?limit=200", { key: "read" });
    expect([second.status, second.body.code, second.headers.get("retry-after")]).toEqual([
      429,
      "throttled",
      "1",
    ]);
    expect(app.log.join("\n")).toContain(
      "read has as many requests under way as REQUESTS_PER_CREDENTIAL_MAX",
    );
    // Another credential gets further than the first one's second request.
    expect((await app.call("GET", "/fleet/jobs?colour=red", { key: "admin" })).status).toBe(400);
    store.close();
    expect((await first).status).toBe(503);
    await app.stop();
  });
});

describe.each(["memory", "cosmos"] as const)("QUEUED_JOBS_MAX (%s)", (provider) => {
  it("answers what is too much with 429 and Retry-After, on every route that makes jobs wait", async () => {
    const app = await startApp(provider, { QUEUED_JOBS_MAX: "1" });
    const product = aProduct(app);
    const ended = await product.submit();
    await product.call("POST", `/fleet/jobs/${ended.id}/cancel`);
    app.advance(6);
    const waiting = aSubmission();
    await product.submit(waiting);
    const redrive = { action: "redrive", filter: { stage: "failed" } };
    const tries = [
      await product.call("POST", "/fleet/jobs", { body: aSubmission() }),
      await product.call("POST", "/fleet/jobs/batch", { body: { jobs: [waiting, aSubmission()] } }),
      await product.call("POST", `/fleet/jobs/${ended.id}/redrive`),
      await product.call("POST", "/fleet/jobs/bulk", { body: redrive }),
    ];
    for (const { status, body, headers } of tries) {
      expect([status, body.code]).toEqual([429, "throttled"]);
      expect(headers.get("retry-after")).toMatch(/^[1-5]$/);
    }
    expect(tries[1]?.body.errors).toMatchObject([{ index: 1, code: "throttled", path: "jobs.1" }]);
    expect((await product.call("POST", "/fleet/jobs", { body: waiting })).body.outcome).toBe("existing");
    // Which product it was, and that it was no fault of the store's.
    const refused = decisionsIn(app.log).filter(({ decision }) => decision === "refused");
    expect(refused).toHaveLength(4);
    for (const told of refused) expect(told).toMatchObject({ reason: "throttled", productId: product.id });
    const other = aProduct(app);
    expect((await other.submit()).stage).toBe("queued");
    await app.stop();
  });
});
