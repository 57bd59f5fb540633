import { execFile } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { startLocalStorage } from "../../host/local-storage.js";
import { blobsOn, uploadAs } from "../support/azurite.js";
import { aFolder } from "../support/scratch.js";

const BLOB = { productId: "acme", jobId: "j1", leaseEpoch: 1, name: "log.txt" };

it("is run by one, and used by all who have the same folder; the next one finds the blobs", async () => {
  const folder = await aFolder();
  const first = await startLocalStorage(folder);
  const second = await startLocalStorage(folder);
  expect(second.connectionString).toBe(first.connectionString);
  expect(await uploadAs(await blobsOn(second).uploadTo(BLOB, "text/plain"), "hello")).toBe(201);
  // Whoever only used it ends nothing.
  await second.stop();
  expect(await blobsOn(first).look(BLOB)).toMatchObject({ sizeBytes: 5 });
  await first.stop();
  const third = await startLocalStorage(folder);
  expect(third.connectionString).not.toBe(first.connectionString);
  expect(await blobsOn(third).look(BLOB)).toMatchObject({ sizeBytes: 5 });
  await third.stop();
});

it("is free again when the process that ran it was killed", async () => {
  const folder = await aFolder();
  const lock = `
    const { DatabaseSync } = await import("node:sqlite");
    const { mkdirSync } = await import("node:fs");
    mkdirSync(${JSON.stringify(`${folder}/azurite`)});
    new DatabaseSync(${JSON.stringify(`${folder}/azurite/lock.db`)}).exec("BEGIN EXCLUSIVE");
    console.log("locked");
    setInterval(() => undefined, 1000);`;
  const child = execFile(process.execPath, ["--input-type=module", "-e", lock]);
  await once(child.stdout ?? child, "data");
  await expect(startLocalStorage(folder)).rejects.toThrow(/another coordinator is about to start/);
  child.kill("SIGKILL");
  await once(child, "exit");
  await (await startLocalStorage(folder)).stop();
});
