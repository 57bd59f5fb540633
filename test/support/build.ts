import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";

/** Compiles the app once per test run, as `npm start` does: tests of processes run what users run. */
export default async function build(): Promise<void> {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const root = new URL("../../", import.meta.url);
  try {
    await promisify(execFile)(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root });
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    throw new Error(`the app does not compile:\n${stdout ?? ""}`, { cause: error });
  }
}
