import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadApp } from "../../host/functions-core.js";

/** TRACE is not among them: the platform's library can't make a request of it, and would fail with an empty 500. */
const EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Every function of the app: name, methods, route, and whether the platform's function keys guard it. */
const HTTP_FUNCTIONS = [
  ["submit-job", ["POST"], "fleet/jobs", "function"],
  ["submit-batch", ["POST"], "fleet/jobs/batch", "function"],
  ["list-jobs", ["GET"], "fleet/jobs", "function"],
  ["get-job", ["GET"], "fleet/jobs/{id}", "function"],
  ["patch-job", ["PATCH"], "fleet/jobs/{id}", "function"],
  ["cancel-job", ["POST"], "fleet/jobs/{id}/cancel", "function"],
  ["redrive-job", ["POST"], "fleet/jobs/{id}/redrive", "function"],
  ["bulk-jobs", ["POST"], "fleet/jobs/bulk", "function"],
  ["claim", ["POST"], "fleet/claim", "function"],
  ["renew-lease", ["POST"], "fleet/jobs/{id}/lease/renew", "function"],
  ["release-lease", ["POST"], "fleet/jobs/{id}/lease/release", "function"],
  ["heartbeat", ["POST"], "fleet/factories/heartbeat", "function"],
  ["list-runs", ["GET"], "fleet/jobs/{id}/runs", "function"],
  ["list-events", ["GET"], "fleet/jobs/{id}/events", "function"],
  ["list-artifacts", ["GET"], "fleet/jobs/{id}/artifacts", "function"],
  ["add-artifact", ["POST"], "fleet/jobs/{id}/artifacts", "function"],
  ["list-factories", ["GET"], "fleet/factories", "function"],
  ["get-factory", ["GET"], "fleet/factories/{id}", "function"],
  ["put-profile", ["PUT"], "fleet/profiles/{name}", "function"],
  ["get-profile", ["GET"], "fleet/profiles/{name}", "function"],
  ["list-profiles", ["GET"], "fleet/profiles", "function"],
  ["stats", ["GET"], "fleet/stats", "function"],
  ["health", ["GET"], "fleet/health", "anonymous"],
  ["openapi", ["GET"], "fleet/openapi.json", "anonymous"],
  ["unknown-path", EVERY_METHOD, "fleet/{*path}", "anonymous"],
] as const;

const KEYS = JSON.stringify([{ name: "k", sha256: "0".repeat(64), products: ["*"], roles: ["read"] }]);

async function registered() {
  vi.resetModules();
  const { functions } = await loadApp(() => import("../../functions/main.js"));
  return functions.map(({ name, trigger }) => ({ name, trigger }));
}

describe("the registrations", () => {
  beforeEach(() => {
    for (const name of ["FUNCTION_KEYS", "REAPER_SCHEDULE"]) vi.stubEnv(name, undefined);
    vi.stubEnv("DB_PROVIDER", "memory");
    vi.stubEnv("FLEET_API_KEYS", KEYS);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("are exactly these functions, guarded by function keys unless that is turned off", async () => {
    const http = (await registered()).filter(({ trigger }) => trigger.type === "httpTrigger");
    expect(
      http.map(({ name, trigger }) => [name, trigger.methods, trigger.route, trigger.authLevel]),
    ).toEqual(HTTP_FUNCTIONS);
  });

  it("are open to callers without function keys when FUNCTION_KEYS is off", async () => {
    vi.stubEnv("FUNCTION_KEYS", "off");
    const levels = (await registered()).flatMap(({ trigger }) => trigger.authLevel ?? []);
    expect(new Set(levels)).toEqual(new Set(["anonymous"]));
    expect(levels).toHaveLength(HTTP_FUNCTIONS.length);
  });

  it("have one timer, the reaper, on the schedule that was set", async () => {
    vi.stubEnv("REAPER_SCHEDULE", "0 */5 * * * *");
    const others = (await registered()).filter(({ trigger }) => trigger.type !== "httpTrigger");
    expect(others).toMatchObject([
      { name: "reaper", trigger: { type: "timerTrigger", schedule: "0 */5 * * * *" } },
    ]);
  });

  it("are the same with wrong settings: nothing keeps the app from loading", async () => {
    vi.stubEnv("FLEET_API_KEYS", "not JSON");
    vi.stubEnv("REAPER_SCHEDULE", "now and then");
    const all = await registered();
    const http = all.filter(({ trigger }) => trigger.type === "httpTrigger");
    expect(
      http.map(({ name, trigger }) => [name, trigger.methods, trigger.route, trigger.authLevel]),
    ).toEqual(HTTP_FUNCTIONS);
    expect(all.find(({ name }) => name === "reaper")?.trigger.schedule).toBe("*/30 * * * * *");
  });

  it("are named so that the real host tries a more specific route first: it goes by the names' order", async () => {
    const byName = (await registered())
      .filter(({ trigger }) => trigger.type === "httpTrigger")
      .toSorted((a, b) => (a.name.toUpperCase() < b.name.toUpperCase() ? -1 : 1));
    const matches = (template: string, path: string) =>
      new RegExp(`^${template.replaceAll(/\{\*\w+\}/g, ".*").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);
    const hidden = byName.flatMap(({ name, trigger }, index) => {
      const path = (trigger.route ?? "").replaceAll(/\{\*?\w+\}/g, "x");
      const shares = (methods: readonly string[] = []) => methods.some((m) => trigger.methods?.includes(m));
      const before = byName.slice(0, index).filter((other) => shares(other.trigger.methods));
      return before.filter((o) => matches(o.trigger.route ?? "", path)).map((o) => `${o.name} hides ${name}`);
    });
    expect(hidden).toEqual([]);
  });

  it("are one file each, named as the function", () => {
    const files = readdirSync("functions").filter((file) => file.endsWith(".ts") && file !== "main.ts");
    const names = [...HTTP_FUNCTIONS.map(([name]) => name), "reaper"];
    expect(files.toSorted()).toEqual(names.map((name) => `${name}.ts`).toSorted());
  });
});
