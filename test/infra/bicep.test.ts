/** The real compiler on the real templates; only where one is at hand, which .ci/run sees to. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { findBicep } from "../../infra/check/bicep.js";
import { check } from "../../infra/check/check.js";
import { aFolder } from "../support/scratch.js";

/** Six runs of the compiler, of seconds each, on a machine that may be busy. */
const COMPILED_WITHIN_MS = 180_000;

const found = findBicep({ env: process.env, toolsFolder: resolve(".fleet/tools"), mayRestore: false });

describe.skipIf(found.kind !== "found")("the templates, compiled", { timeout: COMPILED_WITHIN_MS }, () => {
  /** The problems after these edits, each of one file. */
  const problemsWith = async (edits: Record<string, (text: string) => string>): Promise<string> => {
    if (found.kind !== "found") throw new Error(found.why);
    const folder = await aFolder();
    cpSync("infra", folder, { recursive: true });
    for (const [file, edit] of Object.entries(edits)) {
      const before = readFileSync(join(folder, file), "utf8");
      expect(edit(before)).not.toBe(before);
      writeFileSync(join(folder, file), edit(before));
    }
    return (await check(found.compiler, folder)).problems.join("\n");
  };

  it("fail on a removed container, a changed partition key, a missing setting, and say which", async () => {
    const problems = await problemsWith({
      "containers.json": (text) => {
        const all = JSON.parse(text) as { id: string; partitionKey: { paths: string[] } }[];
        const kept = all.filter(({ id }) => id !== "fleet_leases");
        for (const { id, partitionKey } of kept) if (id === "fleet_runs") partitionKey.paths = ["/productId"];
        return JSON.stringify(kept);
      },
      "modules/function-app.bicep": (text) => text.replace(/^ *AZURE_CLIENT_ID:.*\n/m, ""),
    });
    expect(problems).toContain("fleet_leases: provisioned 0 times");
    expect(problems).toContain('fleet_runs: partition key is ["/productId"], must be ["/jobId"]');
    expect(problems).toContain("AZURE_CLIENT_ID: it is not set");
  });

  it("fail on a warning", async () => {
    const unused = (text: string): string => `${text}\nvar unused = 1\n`;
    expect(await problemsWith({ "modules/identity.bicep": unused })).toContain("no-unused-vars");
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
