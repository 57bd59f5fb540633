/** Limits on what one caller may ask for, through the app as it is set up. */
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { startApp } from "../support/http-app.js";

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
    // Another credential gets further than the first one's second request.
    expect((await app.call("GET", "/fleet/jobs?colour=red", { key: "admin" })).status).toBe(400);
    store.close();
    expect((await first).status).toBe(503);
    await app.stop();
  });
});
