import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { startCoordinator } from "../support/coordinator.js";
import { aFolder } from "../support/scratch.js";

it("prints a curl that works when pasted, with a development key that outlives a restart", async () => {
  const folder = await aFolder();
  const first = await startCoordinator(folder, { FLEET_API_KEYS: "" });
  await expect.poll(() => first.printed.find((line) => line.includes("curl"))).toBeDefined();
  const printed = first.printed.join("\n");
  const curl = printed.slice(printed.indexOf("curl"));
  const { stdout } = await promisify(execFile)("sh", ["-c", curl]);
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: "created",
    job: { stage: "queued", productId: "demo" },
  });
  expect(await first.stop("SIGTERM")).toBe(0);

  const key = (await readFile(`${folder}/dev-key`, "utf8")).trim();
  expect(printed).toContain(key);
  const second = await startCoordinator(folder, { FLEET_API_KEYS: "" });
  const jobs = await fetch(`${second.url}/fleet/jobs`, {
    headers: { authorization: `Bearer ${key}`, "x-product-id": "demo" },
  });
  expect(await jobs.json()).toMatchObject({ value: [{ idempotencyKey: "hello-1" }] });
  expect(await second.stop("SIGINT")).toBe(0);
});

it("does not start with a wrong setting, and names it without its value", async () => {
  const wrong = startCoordinator(await aFolder(), { LEASE_SECONDS: "soon-secret" });
  await expect(wrong).rejects.toThrow(/LEASE_SECONDS/);
  await expect(wrong).rejects.not.toThrow(/soon-secret/);
});

it("does not start on a file that is no database, and names the setting", async () => {
  const folder = await aFolder();
  await writeFile(`${folder}/junk.db`, "this is no database, but long enough to be one\n".repeat(200));
  const wrong = startCoordinator(folder, { SQLITE_PATH: `${folder}/junk.db` });
  await expect(wrong).rejects.toThrow(/SQLITE_PATH/);
});

it("reaps on its own timer: a dead factory's job is queued again without any call", async () => {
  const coordinator = await startCoordinator(await aFolder(), {
    REAPER_SCHEDULE: "* * * * * *",
    CLOCK_SKEW_SECONDS_MAX: "0",
  });
  const beat = { factoryId: "f1", capabilities: [], seatLimit: 1, load: 0, health: "ok" };
  await coordinator.call("POST", "/fleet/factories/heartbeat", beat);
  await coordinator.call("POST", "/fleet/jobs", { idempotencyKey: "a", bodyMd: "x" });
  const claimed = await coordinator.call("POST", "/fleet/claim", { factoryId: "f1", leaseSeconds: 1 });
  const { id } = claimed.body["job"] as { id: string };
  const stage = async () => (await coordinator.call("GET", `/fleet/jobs/${id}`)).body;
  await expect.poll(stage, { timeout: 10_000 }).toMatchObject({ stage: "queued", leaseEpoch: 2 });
  expect(await coordinator.stop("SIGTERM")).toBe(0);
});
