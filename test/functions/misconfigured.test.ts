import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct } from "../support/http-fleet.js";

const PATHS = ["/fleet/jobs", "/fleet/stats", "/fleet/health", "/fleet/openapi.json", "/fleet/nothing"];

describe("an app with wrong settings", () => {
  let app: HttpApp | undefined;
  afterEach(() => app?.stop());

  it.each([
    ["DB_PROVIDER", { DB_PROVIDER: undefined }],
    ["DB_PROVIDER", { DB_PROVIDER: "s3cret" }],
    ["FLEET_API_KEYS", { FLEET_API_KEYS: "s3cret" }],
    ["FLEET_API_KEYS", { FLEET_API_KEYS: undefined }],
    ["LEASE_SECONDS", { LEASE_SECONDS: "s3cret" }],
    ["REAPER_SCHEDULE", { REAPER_SCHEDULE: "s3cret" }],
    ["COSMOS_ENDPOINT", { DB_PROVIDER: "cosmos", COSMOS_ENDPOINT: "s3cret" }],
  ])("says on every route that %s is wrong, and never its value", async (name, environment) => {
    app = await startApp("memory", environment);
    for (const path of PATHS) {
      const answer = await app.call("GET", path, { key: null });
      expect(answer.status).toBe(503);
      expect(answer.body.code).toBe("misconfigured");
      expect(answer.body.detail).toContain(name);
      expect(answer.headers.get("retry-after")).toBe("60");
      expect(JSON.stringify(answer.body)).not.toContain("s3cret");
    }
    const posted = await app.call("POST", "/fleet/claim", { body: { factoryId: "f1" } });
    expect(posted.body.code).toBe("misconfigured");
    expect(app.log.join("\n")).toContain(name);
    expect(app.log.join("\n")).not.toContain("s3cret");
  });

  it("lets the reaper do nothing but say so", async () => {
    app = await startApp("memory", { LEASE_SECONDS: "0" });
    expect(await app.runReaper()).toEqual({ kind: "ran" });
    expect(app.log).toEqual([
      expect.stringMatching(/^error: reaper: misconfigured: LEASE_SECONDS /),
      expect.stringMatching(/^information: reaper: {"decision":"request_failed",/),
    ]);
  });

  it("says so too when only opening the store shows it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fleet-http-"));
    const file = join(folder, "not-a-database.db");
    await writeFile(file, "this is no database, whatever its name says".repeat(100));
    app = await startApp("memory", { DB_PROVIDER: "sqlite", SQLITE_PATH: file });
    for (const path of ["/fleet/jobs", "/fleet/health"]) {
      const answer = await app.call("GET", path);
      expect(answer.status).toBe(503);
      expect(answer.body.code).toBe("misconfigured");
      expect(answer.body.detail).toContain("SQLITE_PATH");
      expect(JSON.stringify(answer.body)).not.toContain("not-a-database");
    }
    // Mended while the app runs: the next request opens the store.
    await rm(file);
    expect((await app.call("GET", "/fleet/health")).body).toEqual({ status: "ok" });
    await app.stop();
    await rm(folder, { recursive: true });
  });
});

describe("an app whose store does not answer", () => {
  it("answers 503 with Retry-After, on health too, and says nothing of the store", async () => {
    // A port that was free a moment ago: nobody listens there.
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const app = await startApp("memory", {
      DB_PROVIDER: "cosmos",
      COSMOS_ENDPOINT: `http://127.0.0.1:${port}`,
      COSMOS_KEY: "ZHVtbXk=",
    });
    for (const path of ["/fleet/health", "/fleet/stats"]) {
      const answer = await app.call("GET", path);
      expect([answer.status, answer.body.code]).toEqual([503, "store_unavailable"]);
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(JSON.stringify(answer.body)).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|Cosmos/);
    }
    expect((await app.call("GET", "/fleet/openapi.json")).status).toBe(200);
    expect((await app.runReaper()).kind).toBe("failed");
    await app.stop();
  });
});

describe("an app that ends", () => {
  it("gives its database back", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fleet-http-"));
    const app = await startApp("memory", { DB_PROVIDER: "sqlite", SQLITE_PATH: join(folder, "fleet.db") });
    expect(await readdir(folder)).toEqual([]);
    await aProduct(app).submit();
    expect(await readdir(folder)).toContain("fleet.db-wal");
    await app.stop();
    // SQLite takes its log away when the last connection closes.
    expect(await readdir(folder)).toEqual(["fleet.db"]);
    await rm(folder, { recursive: true });
  });
});
