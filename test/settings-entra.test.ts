import { describe, expect, test } from "vitest";
import { readSettings } from "../shared/settings.js";

const TENANT = "1111AAAA-1111-1111-1111-111111111111";
const aKey = { name: "ci", sha256: "a".repeat(64), products: ["demo"], roles: ["submit"] };
const minimal = { DB_PROVIDER: "memory", FLEET_API_KEYS: JSON.stringify([aKey]) };
const both = { ENTRA_TENANT_ID: TENANT, ENTRA_AUDIENCE: "api://fleet" };

const read = (env: Record<string, string | undefined>) => readSettings({ ...minimal, ...env });
function problemsOf(env: Record<string, string | undefined>): string[] {
  const outcome = read(env);
  return outcome.kind === "ok" ? [] : outcome.problems.map((p) => `${p.name}: ${p.message}`);
}

describe("access tokens", () => {
  test("are off unless a tenant and an audience are named, both", () => {
    const outcome = read({});
    expect(outcome.kind === "ok" && outcome.settings).not.toHaveProperty("entra");
    expect(read(both)).toMatchObject({
      kind: "ok",
      settings: {
        apiKeys: [aKey],
        entra: {
          tenantId: TENANT.toLowerCase(),
          audience: "api://fleet",
          authority: "https://login.microsoftonline.com",
        },
      },
    });
  });

  test.each(["https://login.microsoftonline.us/", "https://login.partner.microsoftonline.cn"])(
    "may be those of another cloud: %s",
    (ENTRA_AUTHORITY) => {
      expect(read({ ...both, ENTRA_AUTHORITY })).toMatchObject({
        settings: { entra: { authority: ENTRA_AUTHORITY.replace(/\/$/, "") } },
      });
    },
  );

  test("may be all there is: keys may be left out then, and only then", () => {
    expect(read({ ...both, FLEET_API_KEYS: undefined })).toMatchObject({ settings: { apiKeys: [] } });
    expect(problemsOf({ FLEET_API_KEYS: undefined })).toEqual(["FLEET_API_KEYS: is not set"]);
    expect(problemsOf({ ...both, FLEET_API_KEYS: "[]" })).toEqual([
      "FLEET_API_KEYS: must hold at least one key",
    ]);
  });
});

describe("settings of access tokens that are wrong", () => {
  test("one without the other is told, and so is an authority without either", () => {
    expect(problemsOf({ ENTRA_TENANT_ID: TENANT })).toEqual([
      "ENTRA_AUDIENCE: is not set, but ENTRA_TENANT_ID is",
    ]);
    expect(problemsOf({ ENTRA_AUDIENCE: "api://fleet" })).toEqual([
      "ENTRA_TENANT_ID: is not set, but ENTRA_AUDIENCE is",
    ]);
    expect(problemsOf({ ENTRA_AUTHORITY: "https://login.microsoftonline.us" })).toEqual([
      "ENTRA_TENANT_ID: is not set, but ENTRA_AUTHORITY is",
      "ENTRA_AUDIENCE: is not set, but ENTRA_AUTHORITY is",
    ]);
  });

  test.each([
    // Any tenant at all, and a name that another one may get.
    ["ENTRA_TENANT_ID", "common"],
    ["ENTRA_TENANT_ID", "organizations"],
    ["ENTRA_TENANT_ID", "contoso.onmicrosoft.com"],
    ["ENTRA_TENANT_ID", `${TENANT}/../common`],
    ["ENTRA_TENANT_ID", `{${TENANT}}`],
    ["ENTRA_AUDIENCE", "*"],
    ["ENTRA_AUDIENCE", "api://a api://b"],
    ["ENTRA_AUDIENCE", "api://a,api://b"],
    ["ENTRA_AUDIENCE", "x".repeat(256)],
    ["ENTRA_AUTHORITY", "http://login.microsoftonline.com"],
    ["ENTRA_AUTHORITY", "http://127.0.0.1.example.com"],
    ["ENTRA_AUTHORITY", "http://127.0.0.1@example.com"],
    ["ENTRA_AUTHORITY", "https://user:secret@login.microsoftonline.com"],
    ["ENTRA_AUTHORITY", "https://login.microsoftonline.com/common"],
    ["ENTRA_AUTHORITY", "https://login.microsoftonline.com?x"],
    ["ENTRA_AUTHORITY", "login.microsoftonline.com"],
  ])("%s=%s is refused", (name, value) => {
    expect(problemsOf({ ...both, [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name}: must `)),
    ]);
  });
});
