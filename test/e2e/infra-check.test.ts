/** `npm run infra:check` where there is no compiler and nothing to fetch one with. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { aFolder } from "../support/scratch.js";

async function checkWithout(env: Record<string, string>, ...args: string[]) {
  const main = resolve("dist/infra/check/main.js");
  const nothing = { PATH: "", HOME: "/nowhere" };
  return spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    cwd: await aFolder(),
    env: { ...nothing, ...env },
  });
}

describe("without a Bicep compiler", () => {
  it("a laptop is told, and goes on", async () => {
    const { status, stdout } = await checkWithout({});
    expect(stdout).toMatch(/^skipped: no Bicep compiler: no \$BICEP, no bicep on PATH/);
    expect(status).toBe(0);
  });

  it("CI fails, for there nothing else would compile the templates", async () => {
    const { status, stdout } = await checkWithout({ CI: "true" });
    expect(stdout).toMatch(/^failed: no Bicep compiler/);
    expect(status).toBe(1);
  });

  it("a program that asks for JSON gets it", async () => {
    const { stdout } = await checkWithout({}, "--json");
    expect(JSON.parse(stdout)).toEqual({ ok: true, skipped: true, problems: [] });
  });
});
