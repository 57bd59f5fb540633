/**
 * The storage emulator of a data folder. One process at a time runs it, for two on the same files would lose each
 * other's blobs; whoever comes later, on the same folder, uses the first one's for as long as that runs.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startAzurite } from "./azurite.js";

export interface LocalStorage {
  readonly connectionString: string;
  readonly stop: () => Promise<void>;
}

/** Starts it with its data in `azurite` under `fleetDir`, or finds the one that runs there. Rejects with what is in the way. */
export async function startLocalStorage(fleetDir: string): Promise<LocalStorage> {
  const folder = join(fleetDir, "azurite");
  await mkdir(folder, { recursive: true });
  const address = join(folder, "connection-string");
  const lock = lockOf(join(folder, "lock.db"));
  if (lock === undefined) {
    const connectionString = await readFile(address, "utf8").catch(() => {
      throw new Error(`another coordinator is about to start its storage in ${folder}: try again`);
    });
    return { connectionString, stop: () => Promise.resolve() };
  }
  try {
    await rm(address, { force: true });
    const azurite = await startAzurite(folder);
    await writeFile(address, azurite.connectionString);
    return {
      connectionString: azurite.connectionString,
      stop: async () => {
        await rm(address, { force: true });
        await azurite.stop();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** A lock that ends with the process, however that ends; undefined where another one has it. */
function lockOf(file: string): DatabaseSync | undefined {
  const db = new DatabaseSync(file);
  try {
    db.exec("BEGIN EXCLUSIVE");
    return db;
  } catch (error) {
    db.close();
    if (error instanceof Error && error.message.includes("locked")) return undefined;
    throw error;
  }
}
