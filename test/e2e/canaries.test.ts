/** What `npm start` writes, to the terminal and into its folder, holds no secret but in the files that are for one. */
import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { GUARDED, OPEN } from "../support/http-routes.js";
import { KEY, startCoordinator } from "../support/coordinator.js";
import { aFolder } from "../support/scratch.js";
import { Writings, canaries } from "../support/secrets.js";

const ROUTES = Object.entries({ ...GUARDED, ...OPEN });

/** Every file below a folder, by its path in it. */
async function filesIn(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(relative(folder, path), await readFile(path, "latin1"));
  }
  return files;
}

/** Calls every route with each of these credentials, right or wrong. */
async function callAll(url: string, keys: readonly string[], written: Writings): Promise<void> {
  for (const key of keys) {
    for (const [name, { method, path, body }] of ROUTES) {
      const headers = { authorization: `Bearer ${key}`, "x-product-id": "demo" };
      const type = body === undefined ? undefined : { "content-type": "application/json" };
      const init = { method, headers: { ...headers, ...type } };
      const response = await fetch(
        new URL(path, url),
        body === undefined ? init : { ...init, body: JSON.stringify(body) },
      );
      await written.answer(`an answer of ${name}`, response);
    }
  }
}

it("leaves a caller's key and the signatures of URLs nowhere", async () => {
  const folder = await aFolder();
  const { wrongKey, token } = canaries();
  const written = new Writings();
  const coordinator = await startCoordinator(folder, { REAPER_SCHEDULE: "* * * * * *" });
  await callAll(coordinator.url, [KEY, wrongKey, token], written);
  await coordinator.call("POST", "/fleet/jobs", { idempotencyKey: "a", bodyMd: "x" });
  await coordinator.call("POST", "/fleet/factories/heartbeat", GUARDED["heartbeat"]?.body);
  const claimed = await coordinator.call("POST", "/fleet/claim", { factoryId: "f1" });
  const { id } = claimed.body["job"] as { id: string };
  const path = `/fleet/jobs/${id}/artifacts`;
  const file = { factoryId: "f1", leaseEpoch: 1, name: "log.txt", contentType: "text/plain" };
  const { body } = await coordinator.call("POST", path, file);
  const upload = body["upload"] as { method: string; url: string; headers: Record<string, string> };
  await fetch(upload.url, { method: upload.method, headers: upload.headers, body: "done" });
  const signature = decodeURIComponent(/[?&]sig=([^&]+)/.exec(upload.url)?.[1] ?? "");
  expect(signature).not.toBe("");
  // The reaper has run, and tells of it.
  await expect.poll(() => coordinator.printed.join("\n"), { timeout: 10_000 }).toContain("reaper_pass");

  const storageKey = /AccountKey=([^;]+)/.exec(
    await readFile(`${folder}/azurite/connection-string`, "utf8"),
  )?.[1];
  const live = await filesIn(folder);
  expect(await coordinator.stop("SIGTERM")).toBe(0);
  written.add("the output", ...coordinator.printed);
  written.mustNotHold({ storageKey: storageKey ?? "" });
  for (const [name, text] of [...live, ...(await filesIn(folder))]) written.add(name, text);
  expect(live.size).toBeGreaterThan(3);
  written.mustNotHold({ key: KEY, wrongKey, token, signature });
});

it("keeps the development key in its file, and prints it where it says how to call", async () => {
  const folder = await aFolder();
  const coordinator = await startCoordinator(folder, { FLEET_API_KEYS: "" });
  await expect.poll(() => coordinator.printed.find((line) => line.includes("curl"))).toBeDefined();
  const key = (await readFile(`${folder}/dev-key`, "utf8")).trim();
  const banner = coordinator.printed.length;
  const written = new Writings();
  await callAll(coordinator.url, [key], written);
  expect(await coordinator.stop("SIGTERM")).toBe(0);
  const files = await filesIn(folder);
  expect(files.get("dev-key")).toContain(key);
  files.delete("dev-key");
  for (const [name, text] of files) written.add(name, text);
  written.add("the log", ...coordinator.printed.slice(banner));
  const telling = coordinator.printed.slice(0, banner).filter((line) => line.includes(key));
  expect(telling.map((line) => line.split(" ")[0])).toEqual(["Development", "curl"]);
  written.mustNotHold({ key });
});
