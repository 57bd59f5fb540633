/** From the SIGKILL of a worker until its job is claimed again. */
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { firstOutput, startChild, stopChild } from "./children.js";
import type { Recovery, Scene } from "./scene.js";

import { median, rounded } from "./statistics.js";

const VICTIM = fileURLToPath(new URL("victim.js", import.meta.url));
/** It is killed this long after its claim: its lease is fresh then, which is the worst case for who waits. */
const HELD_MS = 1000;

export interface RecoveryRow {
  readonly system: string;
  /** Of the runs, in seconds: from the SIGKILL to the next claim of the same job. */
  readonly medianSeconds: number;
  readonly range: readonly [number, number];
}

/** All of them at once: it is nothing but waiting, and each has a queue of its own. */
export async function measureRecovery(ways: readonly Recovery[], runs: number): Promise<RecoveryRow[]> {
  return Promise.all(
    ways.map(async (way) => {
      const seconds = await Promise.all(Array.from({ length: runs }, () => oneKill(way)));
      const range = [rounded(Math.min(...seconds)), rounded(Math.max(...seconds))] as const;
      return { system: way.name, medianSeconds: rounded(median(seconds)), range };
    }),
  );
}

async function oneKill(way: Recovery): Promise<number> {
  const scene = await way.prepare();
  try {
    return await killAndWait(way, scene);
  } finally {
    await scene.close();
  }
}

async function killAndWait({ name, holder }: Recovery, scene: Scene): Promise<number> {
  const args = [VICTIM, JSON.stringify(scene.place), ...(holder ?? [])];
  const child = startChild(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await firstOutput(child);
  const { promise: killed, resolve } = Promise.withResolvers<undefined>();
  const again = scene.claimedAgain(killed);
  await pause(HELD_MS);
  if (child.exitCode !== null) throw new Error(`${name}: the worker ended by itself`);
  const killedAt = performance.now();
  const stopped = stopChild(child, "SIGKILL");
  resolve(undefined);
  await again;
  const seconds = (performance.now() - killedAt) / 1000;
  await stopped;
  return seconds;
}
