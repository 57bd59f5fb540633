/** Azurite for the tests of one file, with its data in a folder that goes with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { startAzurite } from "../../host/azurite.js";
import type { Blobs } from "../../shared/core/ports/blobs.js";
import { openBlobArtifacts } from "../../shared/store/blob-artifacts.js";
import type { Azurite } from "../../host/azurite.js";

/** Starts it before the file's first test; `azurite()` is it. */
export function withAzurite(): () => Azurite {
  let running: Azurite | undefined;
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fleet-azurite-"));
    running = await startAzurite(folder);
  });
  afterAll(async () => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return () => {
    if (running === undefined) throw new Error("Azurite is not started yet");
    return running;
  };
}

/** The blob port on it, by the time that it goes by itself. */
export function blobsOn({ connectionString }: Pick<Azurite, "connectionString">): Blobs {
  return openBlobArtifacts({
    place: { kind: "emulator", connectionString },
    clock: { now: () => Date.now() },
  });
}

interface Sendable {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Uploads as an answer says it; the status is the storage account's. */
export async function uploadAs(
  { method, url, headers }: Sendable,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<number> {
  return (await fetch(url, { method, headers, body })).status;
}
