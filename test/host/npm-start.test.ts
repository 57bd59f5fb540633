import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { makeKey } from "../../host/make-key.js";
import { npmStart } from "../../host/npm-start.js";
import type { LocalHost } from "../../host/start-host.js";
import { readSettings } from "../../shared/settings.js";
import { register } from "./fixtures/app.js";
import { aScheduler } from "./fixtures/hosted.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fleet-host-"));
  cleanUps.push(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

interface Started {
  readonly host: LocalHost | undefined;
  readonly out: string;
  readonly err: string;
  readonly env: Record<string, string | undefined>;
}

async function start(given: Record<string, string>): Promise<Started> {
  const env: Started["env"] = { PORT: "0", ...given };
  const texts = { out: "", err: "" };
  const host = await npmStart({
    env,
    load: () => Promise.resolve(register()),
    hostJson: '{"extensions":{"http":{"routePrefix":""}}}',
    out: (text) => (texts.out += text),
    err: (text) => (texts.err += text),
    scheduler: aScheduler().scheduler,
  });
  if (host !== undefined) cleanUps.push(() => host.stop());
  return { host, env, ...texts };
}

describe("npm start", () => {
  test("needs no setting: it makes a key, and the app sees a store and the key's hash", async () => {
    const FLEET_DIR = join(aFolder(), "data");
    const { host, env, out, err } = await start({ FLEET_DIR });
    const key = readFileSync(join(FLEET_DIR, "dev-key"), "utf8");
    expect(err).toBe("");
    expect(out).toContain(`Listening on ${host?.url ?? ""}\nDevelopment key: ${key}\n`);
    expect(readSettings(env)).toMatchObject({
      kind: "ok",
      settings: {
        store: { provider: "sqlite", path: join(FLEET_DIR, "fleet.db") },
        apiKeys: [
          {
            sha256: createHash("sha256").update(key).digest("hex"),
            products: ["*"],
            roles: ["submit", "factory", "read", "admin"],
          },
        ],
      },
    });
    expect(env["SQLITE_PATH"]).toBe(join(FLEET_DIR, "fleet.db"));
  });

  test("the development key is readable by its owner alone, and stays the same", async () => {
    const FLEET_DIR = aFolder();
    await start({ FLEET_DIR });
    const file = join(FLEET_DIR, "dev-key");
    const key = readFileSync(file, "utf8");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await start({ FLEET_DIR })).out).toContain(`Development key: ${key}\n`);
  });

  test("a key file that was damaged is said so, not replaced", async () => {
    const FLEET_DIR = aFolder();
    writeFileSync(join(FLEET_DIR, "dev-key"), "");
    const { host, err } = await start({ FLEET_DIR });
    expect(host).toBeUndefined();
    expect(err).toBe(`FLEET_DIR: ${join(FLEET_DIR, "dev-key")} holds no key; delete it for a new one\n`);
  });

  test("prints every route and timer, and a command to submit the first job", async () => {
    const { host, out } = await start({ FLEET_DIR: aFolder() });
    expect(out).toContain("\n  GET    /things/{id}/parts/{part}\n");
    expect(out).toContain("\n  timer  gated (00:00:30)\n");
    const command = out.trimEnd().split("\n").at(-1);
    expect(command).toMatch(
      new RegExp(
        `^curl -sS -X POST ${host?.url ?? ""}/fleet/jobs -H "authorization: Bearer fleet_[A-Za-z0-9_-]{43}" ` +
          `-H 'x-product-id: demo' -H 'content-type: application/json' ` +
          `-d '{"idempotencyKey":"hello-1","bodyMd":"Say hello"}'$`,
      ),
    );
  });

  test("with keys of its own it makes none", async () => {
    const FLEET_DIR = aFolder();
    const made = makeKey(["--name", "ci", "--products", "demo", "--roles", "submit"]);
    const FLEET_API_KEYS = `[${made.text.trimEnd().split("\n").at(-1) ?? ""}]`;
    const { out } = await start({ FLEET_DIR, FLEET_API_KEYS });
    expect(() => statSync(join(FLEET_DIR, "dev-key"))).toThrow("ENOENT");
    expect(out).toContain("Keys: those of FLEET_API_KEYS\n");
  });

  test("settings that are wrong stop it with a line each, before the app is loaded", async () => {
    const { host, err } = await start({ FLEET_DIR: aFolder(), LEASE_SECONDS: "x", DB_PROVIDER: "cosmos" });
    expect(host).toBeUndefined();
    expect(err).toBe("COSMOS_ENDPOINT: is not set\nLEASE_SECONDS: must be a whole number from 1 to 3600\n");
  });

  test("a port in use stops it with one line that names PORT", async () => {
    const { host } = await start({ FLEET_DIR: aFolder() });
    const PORT = new URL(host?.url ?? "").port;
    const second = await start({ FLEET_DIR: aFolder(), PORT });
    expect(second.host).toBeUndefined();
    expect(second.err).toBe(`PORT: ${PORT} on 127.0.0.1 is in use; set PORT to another\n`);
  });
});

describe("npm run keys:new", () => {
  test("makes a key and the entry that lets it in", () => {
    const args = ["--name", "ci", "--products", "a,b", "--roles", "submit,read", "--factory-ids", "x,y"];
    const made = makeKey(args);
    expect(made.kind).toBe("made");
    const [, key = "", , entry = ""] = made.text.split("\n");
    expect(JSON.parse(entry)).toEqual({
      name: "ci",
      sha256: createHash("sha256").update(key).digest("hex"),
      products: ["a", "b"],
      roles: ["submit", "read"],
      factoryIds: ["x", "y"],
    });
    expect(readSettings({ DB_PROVIDER: "memory", FLEET_API_KEYS: `[${entry}]` }).kind).toBe("ok");
    expect(makeKey(args).text).not.toContain(key);
  });

  test.each([
    ["no name", ["--products", "a", "--roles", "read"], "--name: is not set"],
    ["an unknown role", ["--name", "ci", "--products", "a", "--roles", "root"], "--roles: 0 must be one of"],
    ["an empty product", ["--name", "ci", "--products", "a,", "--roles", "read"], "--products: 1 must be"],
    ["an unknown option", ["--nmae", "ci"], "Unknown option '--nmae'"],
    ["a stray word", ["ci"], "Unexpected argument 'ci'"],
  ])("%s is refused, with the usage", (_, args, message) => {
    const { kind, text } = makeKey(args);
    expect(kind).toBe("refused");
    expect(text).toContain(message);
    expect(text).toContain("Usage: npm run keys:new");
  });
});
