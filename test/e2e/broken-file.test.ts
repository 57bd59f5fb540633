import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { aJob, createJobs } from "../store/fixtures.js";
import { startCoordinator } from "../support/coordinator.js";
import { aFolder } from "../support/scratch.js";

const PAGE_BYTES = 2048;
/** The storage of artifacts has no part in this. */
const NO_STORAGE = { AzureWebJobsStorage: "UseDevelopmentStorage=true" };
/** Whoever is not root: root may write what is read-only. */
const NOBODY = 65_534;

/** Whether somebody who is not root can run the coordinator: not where a parent folder is root's alone. */
function nobodyCanRunIt(): boolean {
  const read = `require("node:fs").readFileSync(${JSON.stringify(join(import.meta.dirname, "../../package.json"))})`;
  return spawnSync(process.execPath, ["-e", read], { uid: NOBODY, gid: NOBODY }).status === 0;
}

/** A database with 40 jobs in it, closed. */
async function aFile(folder: string): Promise<string> {
  const path = join(folder, "fleet.db");
  const store = openSqliteStore({ path });
  const bodyMd = "Build it. ".repeat(300);
  await createJobs(
    store,
    Array.from({ length: 40 }, (_, n) => aJob(`job-${n}`, { idempotencyKey: `key-${n}`, bodyMd })),
  );
  store.close();
  return path;
}

describe("a damaged database file stops the start, which says which file, and is left as it is", () => {
  it.each([
    {
      what: "no database at all",
      damage: (path: string) =>
        writeFile(path, "this is no database, but long enough to be one\n".repeat(200)),
    },
    {
      what: "pages overwritten in its middle",
      damage: async (path: string) => {
        const bytes = await readFile(path);
        const middle = Math.floor(bytes.length / PAGE_BYTES / 2) * PAGE_BYTES;
        await writeFile(path, bytes.fill(0xff, middle, middle + 10 * PAGE_BYTES));
      },
    },
    {
      what: "its end cut off",
      damage: async (path: string) => truncate(path, Math.floor((await readFile(path)).length / 2)),
    },
  ])("$what", async ({ damage }) => {
    const folder = await aFolder();
    const path = await aFile(folder);
    await damage(path);
    const damaged = await readFile(path);
    const wrong = startCoordinator(folder, NO_STORAGE);
    await expect(wrong).rejects.toThrow(/^ended with 1/);
    await expect(wrong).rejects.toThrow(path);
    await expect(wrong).rejects.toThrow(/SQLITE_PATH/);
    expect((await readFile(path)).equals(damaged)).toBe(true);
  });
});

describe("a database file that may only be read stops the start, which says which file", () => {
  it.for([
    { what: "the file", folderMode: 0o777 },
    { what: "its folder too", folderMode: 0o555 },
  ])("$what", async ({ folderMode }, { skip }) => {
    const folder = await aFolder();
    const path = await aFile(folder);
    const isRoot = process.getuid?.() === 0;
    if (isRoot && !nobodyCanRunIt())
      skip("root may write what is read-only, and nobody else can read this checkout");
    await mkdir(join(folder, "rest"), { mode: 0o777 });
    if (isRoot) await chown(join(folder, "rest"), NOBODY, NOBODY);
    await chmod(path, 0o444);
    await chmod(folder, folderMode);
    const env = { ...NO_STORAGE, FLEET_DIR: join(folder, "rest"), SQLITE_PATH: path };
    const wrong = startCoordinator(folder, env, "main.js", isRoot ? { uid: NOBODY, gid: NOBODY } : {});
    await expect(wrong).rejects.toThrow(/^ended with 1/);
    await expect(wrong).rejects.toThrow(path);
    await expect(wrong).rejects.toThrow(/SQLITE_PATH/);
    await chmod(folder, 0o700);
  });
});
