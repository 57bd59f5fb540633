import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";

let app: HttpApp;
beforeAll(async () => {
  app = await startApp("memory");
});
afterAll(() => app.stop());

it("is the package, served by the Node version that the project is named after", async () => {
  const packaged = inject("packageUnderTest");
  expect(packaged).toBeDefined();
  expect(app.nodeVersion).toMatch(new RegExp(`^v${String(packaged?.nodeMajor)}\\.`));
  expect((await app.call("GET", "/fleet/health")).status).toBe(200);
});
