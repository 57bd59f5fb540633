import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, inject, it } from "vitest";
import { startApp } from "../support/http-app.js";

it("is the package, served by the Node version that the project is named after", async () => {
  const packaged = inject("packageUnderTest");
  expect(packaged).toBeDefined();
  const app = await startApp("memory");
  expect(app.nodeVersion).toMatch(new RegExp(`^v${String(packaged?.nodeMajor)}\\.`));
  expect((await app.call("GET", "/fleet/health")).status).toBe(200);
  await app.stop();
});

it("has all that a managed identity takes: the platform is asked for a token of the account", async () => {
  const asked: string[] = [];
  const platform = createServer((request, response) => {
    asked.push(request.url ?? "");
    const expires_on = String(Math.floor(Date.UTC(2099, 0) / 1000));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: "t", token_type: "Bearer", resource: "r", expires_on }));
  }).listen(0, "127.0.0.1");
  await once(platform, "listening");
  const app = await startApp("memory", {
    DB_PROVIDER: "cosmos",
    // Nobody is there: what counts is who is asked first.
    COSMOS_ENDPOINT: "https://127.0.0.1:1",
    IDENTITY_ENDPOINT: `http://127.0.0.1:${(platform.address() as AddressInfo).port}/token`,
    IDENTITY_HEADER: "h",
  });
  const answer = await app.call("GET", "/fleet/health");
  expect([answer.status, answer.body.code]).toEqual([503, "store_unavailable"]);
  expect(asked).toEqual([expect.stringContaining(encodeURIComponent("https://127.0.0.1:1"))]);
  await app.stop();
  platform.close();
});
