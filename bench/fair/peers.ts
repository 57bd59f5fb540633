/** The peers: packages of `bench/peers`, which the product does not know. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { wayTo } from "./delay.js";
import type { Durability, Queue, System } from "./queue.js";
import type { Recovery, Scene } from "./scene.js";
import type { Server } from "./servers.js";

const FOLDER = new URL("../../../bench/peers/", import.meta.url);

/** What a module of `bench/peers` is opened with: the port that may be delayed, and the server's own. */
interface Place {
  readonly port: number;
  readonly direct: number;
  readonly durability: Durability;
}

/** `npm ci` in `bench/peers`, unless it was done for this lockfile. Throws where npm fails, after what npm says. */
export function installPeers(): void {
  const changed = (path: string) => statSync(new URL(path, FOLDER), { throwIfNoEntry: false })?.mtimeMs;
  const [asked = 0, installed = 0] = ["package-lock.json", "node_modules/.package-lock.json"].map(changed);
  if (installed >= asked) return;
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: fileURLToPath(FOLDER),
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** The exact versions that are measured. */
export function peerVersions(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync(new URL("package.json", FOLDER), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return manifest.dependencies;
}

/** A module of `bench/peers`. Plain JavaScript, so that the product compiles without what it imports. */
export async function peerModule<T>(name: string): Promise<T> {
  return (await import(new URL(`${name}.mjs`, FOLDER).href)) as T;
}

/** The system that `bench/peers/<module>.mjs` opens on this server. */
export function peer(name: string, module: string, server: Server, durability: Durability): System {
  return {
    name,
    durability,
    open: async (delayMs) => {
      const { open } = await peerModule<{ open: (place: Place) => Promise<Queue> }>(module);
      const way = await wayTo(server.port, delayMs);
      const queue = await open({ port: way.port, direct: server.port, durability });
      return {
        ...queue,
        close: async () => {
          await queue.close();
          await way.stop();
        },
      };
    },
  };
}

type Prepare = (settings: Readonly<Record<string, number>>) => Promise<Scene>;

/** How `holder` of `bench/peers/lost-worker.mjs` gets a job back, with these settings. */
export function peerRecovery(
  name: string,
  holder: string,
  { port }: Server,
  settings: Readonly<Record<string, number>> = {},
): Recovery {
  return {
    name,
    holder: [new URL("lost-worker.mjs", FOLDER).href, holder],
    prepare: async () => {
      const exported = await peerModule<Record<string, { prepare: Prepare }>>("lost-worker");
      if (exported[holder] === undefined) throw new Error(`lost-worker.mjs has no ${holder}`);
      return exported[holder].prepare({ port, ...settings });
    },
  };
}
