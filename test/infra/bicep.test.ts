/** The real compiler on the real templates; only where one is at hand, which .ci/run sees to. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { findBicep } from "../../infra/check/bicep.js";
import { check } from "../../infra/check/check.js";
import { aFolder } from "../support/scratch.js";

/** Three compilers of seconds each, on a machine that may be busy. */
const COMPILED_WITHIN_MS = 180_000;

const found = findBicep({ env: process.env, toolsFolder: resolve(".fleet/tools"), mayRestore: false });

describe.skipIf(found.kind !== "found")("the templates, compiled", { timeout: COMPILED_WITHIN_MS }, () => {
  const problemsWith = async (file: string, edit: (text: string) => string): Promise<string> => {
    if (found.kind !== "found") throw new Error(found.why);
    const folder = await aFolder();
    cpSync("infra", folder, { recursive: true });
    const changed = join(folder, file);
    const before = readFileSync(changed, "utf8");
    const after = edit(before);
    expect(after).not.toBe(before);
    writeFileSync(changed, after);
    return (await check(found.compiler, folder)).problems.join("\n");
  };

  it("fail on a removed container", async () => {
    const removed = (text: string): string => {
      const all = JSON.parse(text) as { id: string }[];
      return JSON.stringify(all.filter(({ id }) => id !== "fleet_leases"));
    };
    expect(await problemsWith("containers.json", removed)).toContain("fleet_leases: provisioned 0 times");
  });

  it("fail on a missing setting", async () => {
    const removed = (text: string): string => text.replace(/^ *AZURE_CLIENT_ID:.*\n/m, "");
    expect(await problemsWith("modules/function-app.bicep", removed)).toContain(
      "AZURE_CLIENT_ID: it is not set",
    );
  });

  it("fail on a warning", async () => {
    const unused = (text: string): string => `${text}\nvar unused = 1\n`;
    expect(await problemsWith("modules/identity.bicep", unused)).toContain("no-unused-vars");
  });
});

describe("without a compiler", () => {
  it("says what was looked for", () => {
    const none = findBicep({ env: { HOME: "/nowhere" }, toolsFolder: "/nowhere", mayRestore: false });
    if (none.kind === "found") expect(none.compiler.from).toBe("bicep on PATH");
    else
      expect(none).toMatchObject({
        kind: "none",
        why: expect.stringContaining("no bicep on PATH") as string,
      });
  });

  it("doesn't fall back from a $BICEP that doesn't run", () => {
    const outcome = findBicep({
      env: { BICEP: "/nowhere/bicep" },
      toolsFolder: "/nowhere",
      mayRestore: false,
    });
    expect(outcome).toEqual({ kind: "wrong", why: "$BICEP does not run" });
  });
});
