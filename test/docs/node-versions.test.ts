import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";

const { devDependencies } = z
  .object({ devDependencies: z.object({ node: z.string(), node22: z.string() }) })
  .parse(JSON.parse(readFileSync("package.json", "utf8")));

const versionOf = (binary: string): string =>
  execFileSync(binary, ["--version"], { encoding: "utf8" }).trim().replace("v", "");

// npm links .bin/node to what it installed last when only one of the two is new: `npm ci` puts it right.
it("the scripts run on the Node that package.json pins, though another is installed beside it", () => {
  expect(versionOf("node_modules/.bin/node")).toBe(devDependencies.node);
  expect(versionOf("node_modules/node22/bin/node")).toBe(devDependencies.node22.replace("npm:node@", ""));
});
