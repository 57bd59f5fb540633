import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import { startCoordinator } from "../support/coordinator.js";
import { aFolder } from "../support/scratch.js";

it("runs the coordinator on the Cosmos DB emulator and Azurite, and gives out a job", async () => {
  const folder = await aFolder();
  const coordinator = await startCoordinator(folder, {}, "azure-like.js");
  const beat = { factoryId: "f1", capabilities: [], seatLimit: 1, load: 0, health: "ok" };
  await coordinator.call("POST", "/fleet/factories/heartbeat", beat);
  const submitted = await coordinator.call("POST", "/fleet/jobs", { idempotencyKey: "a", bodyMd: "x" });
  expect(submitted.status).toBe(201);
  const claimed = await coordinator.call("POST", "/fleet/claim", { factoryId: "f1" });
  const { id } = submitted.body["job"] as { id: string };
  expect(claimed.body).toMatchObject({ job: { id, stage: "assigned" }, lease: { leaseEpoch: 1 } });

  // It is in the emulator, where anybody may look, and in no file.
  await expect.poll(() => coordinator.printed.join("\n")).toContain("Azurite: ");
  const printed = coordinator.printed.join("\n");
  const [, cosmos = ""] = /^Cosmos DB emulator: (\S+),/m.exec(printed) ?? [];
  const { Databases } = (await (await fetch(`${cosmos}/dbs`)).json()) as { Databases: { id: string }[] };
  expect(Databases.map(({ id }) => id)).toEqual(["fleet"]);
  // Azurite answers as a storage account does that was given no credentials.
  const [, blobs = ""] = /^Azurite: (\S+),/m.exec(printed) ?? [];
  const refused = await fetch(`${blobs}?comp=list`);
  expect([refused.status, refused.headers.get("server")]).toEqual([403, expect.stringContaining("Azurite")]);

  expect(await coordinator.stop("SIGTERM")).toBe(0);
  expect(await readdir(folder)).toEqual(["azurite"]);
});

it("never reaches an account that the environment names", async () => {
  const elsewhere = { COSMOS_ENDPOINT: "https://127.0.0.1:1", DB_PROVIDER: "sqlite" };
  const coordinator = await startCoordinator(await aFolder(), elsewhere, "azure-like.js");
  expect((await coordinator.call("GET", "/fleet/health")).status).toBe(200);
  expect(await coordinator.stop("SIGINT")).toBe(0);
});
