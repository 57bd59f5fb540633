/**
 * `npm run start:azure-like`: `npm start` on stand-ins for what the app has on Azure. The Cosmos DB emulator
 * takes the place of the embedded store; Azurite is the storage account of the host.
 */
import { join } from "node:path";
import { fleetDirOf } from "../shared/settings.js";
import { startCosmosEmulator } from "./cosmos-emulator.js";
import { startLocalStorage } from "./local-storage.js";
import { serve } from "./serve.js";

const { env } = process;
const azuriteFolder = join(fleetDirOf(env), "azurite");
const [cosmos, azurite] = await Promise.all([
  startCosmosEmulator(),
  startLocalStorage(fleetDirOf(env)),
]).catch((error: unknown) => {
  process.stderr.write(`The emulators did not start (data in ${azuriteFolder}): ${String(error)}\n`);
  process.exit(1);
});

// Whatever was set: this command never reaches a real account.
env["DB_PROVIDER"] = "cosmos";
env["COSMOS_ENDPOINT"] = cosmos.endpoint;
env["COSMOS_KEY"] = cosmos.key;
env["BLOB_ENDPOINT"] = "";
env["AzureWebJobsStorage"] = azurite.connectionString;

const [, blobEndpoint = ""] = /BlobEndpoint=([^;]+)/.exec(azurite.connectionString) ?? [];
await serve(env, async () => {
  await cosmos.stop();
  await azurite.stop();
});
process.stdout.write(
  [
    "",
    `Cosmos DB emulator: ${cosmos.endpoint}, in memory: its data goes when this stops`,
    `Azurite: ${blobEndpoint}, data in ${azuriteFolder}; it is in AzureWebJobsStorage, and artifacts`,
    "  are there; this host's timers keep no lock in storage",
    "",
  ].join("\n"),
);
