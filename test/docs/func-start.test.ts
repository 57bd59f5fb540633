/**
 * `func start` can't run here: the Core Tools download themselves at install time. What can be checked
 * is that the files say what it needs, and that what it publishes holds what the app loads.
 */
import { existsSync, readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readSettings } from "../../shared/settings.js";

const text = (file: string): string => readFileSync(file, "utf8");
const json = <S extends z.ZodType>(file: string, schema: S): z.infer<S> =>
  schema.parse(JSON.parse(text(file)));

const { main } = json("package.json", z.object({ main: z.string() }));

/** The file that the build makes of a source file. */
function emittedFrom(source: string): string[] {
  const config = ts.getParsedCommandLineOfConfigFile("tsconfig.build.json", undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
    },
  });
  if (config === undefined) throw new Error("tsconfig.build.json can't be read");
  const root = `${ts.sys.getCurrentDirectory()}/`;
  return ts.getOutputFileNames(config, root + source, false).map((file) => file.replace(root, ""));
}

describe("package.json", () => {
  it("names one file that the build makes of functions/main.ts, not a pattern", () => {
    expect(existsSync("functions/main.ts")).toBe(true);
    expect(main).toMatch(/^[\w./-]+\.js$/);
    expect(emittedFrom("functions/main.ts")).toContain(main);
  });
});

describe("host.json", () => {
  const host = json(
    "host.json",
    z.object({
      version: z.string(),
      extensions: z.object({ http: z.object({ routePrefix: z.string() }) }),
      extensionBundle: z.object({ id: z.string(), version: z.string() }),
    }),
  );

  it("is of version 2.0 and puts nothing before the routes", () => {
    expect(host.version).toBe("2.0");
    expect(host.extensions.http.routePrefix).toBe("");
  });

  it("takes the extension bundle from a range of versions, for the timer comes with it", () => {
    expect(host.extensionBundle.id).toBe("Microsoft.Azure.Functions.ExtensionBundle");
    expect(host.extensionBundle.version).toMatch(/^\[\d+\.(?:\*|\d+\.\d+), \d+\.\d+\.\d+\)$/);
  });
});

describe("local.settings.example.json", () => {
  const { IsEncrypted, Values } = json(
    "local.settings.example.json",
    z.object({ IsEncrypted: z.boolean(), Values: z.record(z.string(), z.string()) }),
  );

  it("tells the host which worker to start, and where the timer keeps its lock", () => {
    expect(IsEncrypted).toBe(false);
    expect(Values).toMatchObject({
      FUNCTIONS_WORKER_RUNTIME: "node",
      AzureWebJobsStorage: "UseDevelopmentStorage=true",
    });
  });

  it("holds settings that the app accepts, and says all that it must be told", () => {
    const outcome = readSettings(Values);
    expect(outcome).toMatchObject({
      kind: "ok",
      settings: { store: { provider: "sqlite", path: Values["SQLITE_PATH"] }, functionKeys: "off" },
    });
  });

  it("holds no setting that the app doesn't read", () => {
    const platforms = ["FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"];
    const settings = text("shared/settings.ts");
    for (const name of Object.keys(Values).filter((given) => !platforms.includes(given))) {
      expect(settings).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });

  it("lets nobody in as it is: its key is a placeholder, and says how to make a real one", () => {
    const outcome = readSettings(Values);
    const keys = outcome.kind === "ok" ? outcome.settings.apiKeys : [];
    expect(keys.map(({ sha256 }) => sha256)).toEqual(["0".repeat(64)]);
    expect(keys[0]?.name).toContain("npm-run-keys:new");
  });
});

describe(".funcignore", () => {
  const patterns = text(".funcignore")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

  /** As in .gitignore: a slash but at the end anchors a pattern; one at the end means a folder. */
  function isIgnored(path: string): boolean {
    return patterns.some((pattern) => {
      const anchored = pattern.slice(0, -1).includes("/");
      const name = pattern.replace(/^\//, "").replace(/\/$/, "");
      const regex = name.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
      const end = pattern.endsWith("/") ? "/" : "(?:/|$)";
      return new RegExp(`${anchored ? "^" : "(?:^|/)"}${regex}${end}`).test(path);
    });
  }

  it("is written with plain names, folders and stars, which every tool reads alike", () => {
    for (const pattern of patterns) expect(pattern).toMatch(/^[\w./-]*\*?[\w./-]*$/);
  });

  it.each([
    main,
    "dist/shared/settings.js",
    "dist/shared/core/claim.js",
    // The one definition of the containers is loaded by the app.
    "dist/infra/containers.json",
    "host.json",
    "package.json",
    "node_modules/@azure/functions/package.json",
  ])("publishes %s, for the app needs it", (path) => {
    expect(isIgnored(path)).toBe(false);
  });

  it.each([
    "functions/main.ts",
    "shared/settings.ts",
    "test/settings.test.ts",
    "demo/main.ts",
    "dist/demo/main.js",
    "dist/host/main.js",
    "dist/infra/check/main.js",
    "azure.yaml",
    "dist/tools/package.js",
    "dist/bench/cold.js",
    "dist-package/main.js",
    "tools/package.ts",
    "docs/protocol.md",
    "infra/containers.json",
    "local.settings.json",
    ".git/config",
    ".fleet/fleet.db",
    "tsconfig.json",
    "eslint.config.js",
    "vitest.config.ts",
  ])("leaves %s at home", (path) => {
    expect(isIgnored(path)).toBe(true);
  });
});
