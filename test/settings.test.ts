import { describe, expect, test } from "vitest";
import { type Settings, readSettings } from "../shared/settings.js";

const SHA = "a".repeat(64);
const aKey = { name: "ci", sha256: SHA, products: ["demo"], roles: ["submit"] };
const keys = (...entries: unknown[]): string => JSON.stringify(entries);
const minimal = { DB_PROVIDER: "memory", FLEET_API_KEYS: keys(aKey) };

function settingsOf(env: Record<string, string | undefined>): Settings {
  const outcome = readSettings({ ...minimal, ...env });
  if (outcome.kind === "wrong")
    expect.fail(outcome.problems.map((p) => `${p.name}: ${p.message}`).join("; "));
  return outcome.settings;
}

function problemsOf(env: Record<string, string | undefined>): string[] {
  const outcome = readSettings({ ...minimal, ...env });
  return outcome.kind === "ok" ? [] : outcome.problems.map((p) => `${p.name}: ${p.message}`);
}

const namesOf = (env: Record<string, string | undefined>): string[] =>
  problemsOf(env).map((line) => line.slice(0, line.indexOf(":")));

describe("settings that are right", () => {
  test("a provider and a key are enough; all else has the default of the contract", () => {
    expect(settingsOf({})).toEqual({
      store: { provider: "memory" },
      apiKeys: [aKey],
      functionKeys: "required",
      leaseSeconds: 90,
      factoryStaleSeconds: 120,
      clockSkewSecondsMax: 2,
      retentionDays: 0,
      requestsPerCredentialMax: 100,
      queuedJobsMax: 0,
      reaperSchedule: "*/30 * * * * *",
      port: 7071,
      fleetDir: ".fleet",
    });
  });

  test("an empty variable counts as not set", () => {
    expect(settingsOf({ LEASE_SECONDS: "", ENTRA_TENANT_ID: "", FLEET_DIR: "" })).toEqual(settingsOf({}));
  });

  test("the database lies in FLEET_DIR, unless SQLITE_PATH says where", () => {
    const sqlite = { DB_PROVIDER: "sqlite" };
    expect(settingsOf(sqlite)).toMatchObject({
      store: { provider: "sqlite", path: ".fleet/fleet.db" },
      fleetDir: ".fleet",
    });
    expect(settingsOf({ ...sqlite, FLEET_DIR: "/data/a" }).store).toEqual({
      provider: "sqlite",
      path: "/data/a/fleet.db",
    });
    expect(settingsOf({ ...sqlite, SQLITE_PATH: "/data/b/jobs.db" })).toMatchObject({
      store: { path: "/data/b/jobs.db" },
      fleetDir: "/data/b",
    });
    expect(settingsOf({ ...sqlite, SQLITE_PATH: "/data/b/jobs.db", FLEET_DIR: "/data/a" })).toMatchObject({
      store: { path: "/data/b/jobs.db" },
      fleetDir: "/data/a",
    });
  });

  test("an account is reached with the managed identity, an emulator with its key", () => {
    const COSMOS_ENDPOINT = "https://fleet.documents.azure.com:443/";
    expect(settingsOf({ DB_PROVIDER: "cosmos", COSMOS_ENDPOINT }).store).toEqual({
      provider: "cosmos",
      endpoint: COSMOS_ENDPOINT,
      database: "fleet",
    });
    expect(
      settingsOf({
        DB_PROVIDER: "cosmos",
        COSMOS_ENDPOINT: "http://127.0.0.1:8081",
        COSMOS_DATABASE: "other",
        COSMOS_KEY: "ZHVtbXk=",
      }).store,
    ).toEqual({ provider: "cosmos", endpoint: "http://127.0.0.1:8081", database: "other", key: "ZHVtbXk=" });
  });

  test("settings of Cosmos DB do no harm while another store is used", () => {
    expect(settingsOf({ COSMOS_ENDPOINT: "nonsense", COSMOS_KEY: "?" })).toEqual(settingsOf({}));
  });

  test("a key may have every product, and be bound to factories", () => {
    const entry = { ...aKey, products: ["*"], roles: ["factory", "read"], factoryIds: ["f1", "f2"] };
    expect(settingsOf({ FLEET_API_KEYS: keys(entry) }).apiKeys).toEqual([entry]);
  });
});

describe("settings that are wrong", () => {
  test("all problems are told at once, each with the variable's name", () => {
    const env = { DB_PROVIDER: undefined, FLEET_API_KEYS: undefined, LEASE_SECONDS: "0", PORT: "65536" };
    expect(problemsOf(env)).toEqual([
      "DB_PROVIDER: must be memory, sqlite or cosmos",
      "FLEET_API_KEYS: is not set",
      "LEASE_SECONDS: must be a whole number from 1 to 3600",
      "PORT: must be a whole number from 0 to 65535",
    ]);
  });

  test.each([
    ["DB_PROVIDER", "postgres"],
    ["FUNCTION_KEYS", "on"],
    ["LEASE_SECONDS", "3601"],
    ["LEASE_SECONDS", "90.5"],
    ["LEASE_SECONDS", "1e3"],
    ["LEASE_SECONDS", " 90"],
    ["FACTORY_STALE_SECONDS", "0"],
    ["FACTORY_STALE_SECONDS", "86401"],
    ["CLOCK_SKEW_SECONDS_MAX", "-1"],
    ["CLOCK_SKEW_SECONDS_MAX", "61"],
    ["RETENTION_DAYS", "-1"],
    ["RETENTION_DAYS", "3651"],
    ["RETENTION_DAYS", "a month"],
    ["REQUESTS_PER_CREDENTIAL_MAX", "-1"],
    ["REQUESTS_PER_CREDENTIAL_MAX", "10001"],
    ["REQUESTS_PER_CREDENTIAL_MAX", "many"],
    ["QUEUED_JOBS_MAX", "-1"],
    ["QUEUED_JOBS_MAX", "10000001"],
    ["QUEUED_JOBS_MAX", "1e6"],
    ["REAPER_SCHEDULE", "often"],
    ["REAPER_SCHEDULE", "@daily"],
    ["REAPER_SCHEDULE", "0 0 0 31 2 *"],
    ["FLEET_DIR", "  "],
    ["BLOB_ENDPOINT", "http://stfleet.blob.core.windows.net/"],
    ["BLOB_ENDPOINT", "https://stfleet.blob.core.windows.net/artifacts?sv=1&sig=secret"],
    ["BLOB_ENDPOINT", "https://user:secret@stfleet.blob.core.windows.net/"],
    ["BLOB_ENDPOINT", "stfleet"],
    ["AzureWebJobsStorage", "secret"],
    ["AzureWebJobsStorage", "UseDevelopmentStorage=false"],
    ["AzureWebJobsStorage", "AccountName=a"],
    ["AzureWebJobsStorage", "AccountName=a;AccountKey=not base64"],
    ["AzureWebJobsStorage", "AccountName=a;AccountKey=a2V5;BlobEndpoint=nowhere"],
  ])("%s=%s is refused", (name, value) => {
    expect(namesOf({ [name]: value })).toEqual([name]);
  });

  test.each([
    ["an account without an endpoint", {}, "COSMOS_ENDPOINT"],
    ["an endpoint that is no URL", { COSMOS_ENDPOINT: "fleet" }, "COSMOS_ENDPOINT"],
    ["an endpoint that is no host", { COSMOS_ENDPOINT: "https://a b" }, "COSMOS_ENDPOINT"],
    ["an endpoint of another protocol", { COSMOS_ENDPOINT: "ftp://fleet" }, "COSMOS_ENDPOINT"],
    ["http without an emulator's key", { COSMOS_ENDPOINT: "http://127.0.0.1:8081" }, "COSMOS_ENDPOINT"],
    [
      "an emulator's key for an account, whose consistency must be checked",
      { COSMOS_ENDPOINT: "https://fleet.documents.azure.com", COSMOS_KEY: "ZHVtbXk=" },
      "COSMOS_KEY",
    ],
    [
      "a database name with a slash",
      { COSMOS_ENDPOINT: "https://a", COSMOS_DATABASE: "a/b" },
      "COSMOS_DATABASE",
    ],
  ])("cosmos is refused with %s", (_, env, name) => {
    expect(namesOf({ DB_PROVIDER: "cosmos", ...env })).toEqual([name]);
  });

  test("a database in memory is asked for by its provider, not by a path that makes no file", () => {
    expect(namesOf({ DB_PROVIDER: "sqlite", SQLITE_PATH: ":memory:" })).toEqual(["SQLITE_PATH"]);
  });
});

test("no problem ever repeats a value, for it may be a secret", () => {
  const secret = "s3cret";
  const entry = {
    name: `/${secret}`,
    sha256: secret,
    products: [`/${secret}`],
    roles: [secret],
    [secret]: 1,
  };
  const problems = problemsOf({
    DB_PROVIDER: "cosmos",
    COSMOS_ENDPOINT: `https://${secret}@host`,
    COSMOS_KEY: `${secret}!`,
    COSMOS_DATABASE: `${secret}/`,
    FUNCTION_KEYS: secret,
    LEASE_SECONDS: secret,
    REAPER_SCHEDULE: secret,
    PORT: secret,
    ENTRA_TENANT_ID: secret,
    ENTRA_AUDIENCE: `${secret} `,
    ENTRA_AUTHORITY: secret,
    FLEET_API_KEYS: keys(entry, { ...entry, factoryIds: [`/${secret}`] }),
    APPLICATIONINSIGHTS_CONNECTION_STRING: secret,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: secret,
  });
  expect(problems.length).toBeGreaterThan(12);
  expect(problems.join("\n")).not.toContain(secret);
  for (const FLEET_API_KEYS of [`[${secret}]`, `"${secret}"`, secret]) {
    expect(problemsOf({ FLEET_API_KEYS }).join("\n")).not.toContain(secret);
  }
});
