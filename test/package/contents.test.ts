/** What is in dist-package, and what is not. `npm run test:package` makes it first. */
import { execFile } from "node:child_process";
import { cp, readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { bundle } from "../../tools/bundle.js";
import { aFolder } from "../support/scratch.js";

const PACKAGE = fileURLToPath(new URL("../../dist-package/", import.meta.url));
const ROOT = resolve(PACKAGE, "..");

async function files(): Promise<string[]> {
  const entries = await readdir(PACKAGE, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(PACKAGE.length));
}

const read = (file: string): Promise<string> => readFile(join(PACKAGE, file), "utf8");

describe("the package", () => {
  it("is code, a source map for each file of code, and what the host reads: nothing else", async () => {
    const found = await files();
    const code = found.filter((file) => file.endsWith(".js"));
    expect(code).toContain("main.js");
    const maps = code.map((file) => `${file}.map`);
    const others = ["package.json", "host.json", ".funcignore"];
    expect(found.toSorted()).toEqual([...code, ...maps, ...others].toSorted());
  });

  it("leads from its code to our sources", async () => {
    const { sources, sourceRoot } = JSON.parse(await read("main.js.map")) as Record<string, unknown>;
    expect(sourceRoot).toBeUndefined();
    expect(sources).toContain("../functions/main.ts");
    expect(await read("main.js")).toContain("\n//# sourceMappingURL=main.js.map");
  });

  it("names its one entry, is made of modules, and depends on nothing", async () => {
    const manifest = JSON.parse(await read("package.json")) as Record<string, unknown>;
    expect(manifest).toMatchObject({ main: "main.js", type: "module" });
    for (const name of ["dependencies", "devDependencies", "scripts"])
      expect(manifest).not.toHaveProperty(name);
  });

  it("leaves node_modules out of .funcignore, by which azd would take it for unbuilt", async () => {
    const ignored = (await read(".funcignore")).trim().split("\n");
    expect(ignored).toContain("local.settings.json");
    expect(ignored.filter((line) => line.includes("node_modules"))).toEqual([]);
  });

  it("has the host.json of the sources", async () => {
    expect(await read("host.json")).toBe(await readFile(join(ROOT, "host.json"), "utf8"));
  });

  // The account key that begins so is Azurite's, which everybody knows; the blob SDK carries it.
  it("holds no path of this machine, no key of ours and no connection string", async () => {
    for (const file of await files()) {
      const text = await read(file);
      expect(text.includes(`${ROOT}/`), file).toBe(false);
      expect(text, file).not.toMatch(
        /\bfleet_[A-Za-z0-9_-]{43}\b|BEGIN [A-Z ]*PRIVATE KEY|AccountKey=(?!Eby8vdM02xNO)[\w+/]{20}/,
      );
      expect(text.includes("ZHVtbXk="), file).toBe(false);
    }
  });
});

describe("the package on its own", () => {
  /** Loads it, with no node_modules near it and a host that gives it the runtime's module; prints what was loaded. */
  async function load(environment: Record<string, string>): Promise<{ functions: number; kept: string[] }> {
    const folder = await aFolder();
    await cp(PACKAGE, folder, { recursive: true });
    const host = new URL("../../dist/host/functions-core.js", import.meta.url).href;
    const script = `
      const { loadApp } = await import(${JSON.stringify(host)});
      const { functions } = await loadApp(() => import(${JSON.stringify(join(folder, "main.js"))}));
      console.log(JSON.stringify({ functions: functions.length, kept: process.getActiveResourcesInfo() }));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      cwd: folder,
      env: environment,
    });
    return JSON.parse(stdout) as { functions: number; kept: string[] };
  }

  it("loads, registers its functions, and reaches out to nothing", async () => {
    const { functions, kept } = await load({});
    expect(functions).toBeGreaterThan(15);
    expect(kept.filter((resource) => /TCP|DNS|Timeout/.test(resource))).toEqual([]);
  });

  it("reads nothing of Cosmos DB, of Blob storage, of identities, of exporters, of tokens, or of SQLite before a request needs it", async () => {
    const { eagerPackages, eagerFiles, files: all } = await bundle(ROOT, await aFolder());
    expect(eagerPackages).toContain("@azure/functions");
    const late = /^@azure\/(?:cosmos|identity|core-|msal|monitor|storage)|^@opentelemetry\/(?!api$)|^jose$/;
    expect(eagerPackages.filter((name) => late.test(name))).toEqual([]);
    const stores = [...all.keys()].filter((file) => /(?:cosmos|sqlite)-store|blob-artifacts/.test(file));
    expect(stores).toHaveLength(3);
    expect(stores.filter((file) => eagerFiles.includes(file))).toEqual([]);
  });
});
