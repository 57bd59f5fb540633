/** What the figures were taken on. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { arch, availableParallelism, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { quantile, rounded } from "./statistics.js";

const SYNCS = 200;
const BLOCK = Buffer.alloc(8192, 1);

export interface Machine {
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Writing 8 KiB and fdatasync, in the folder of the data, in milliseconds: median, and the slowest percent. */
  readonly syncMs: { readonly p50: number; readonly p99: number };
}

/** The machine, and how fast its disk is at this moment. */
export function machineOf(folder: string): Machine {
  return {
    system: `${type()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    syncMs: syncTimes(folder),
  };
}

function syncTimes(folder: string): Machine["syncMs"] {
  const path = join(folder, "sync");
  const file = openSync(path, "w");
  const times: number[] = [];
  for (let n = 0; n < SYNCS; n++) {
    const begun = performance.now();
    writeSync(file, BLOCK, 0, BLOCK.length, n * BLOCK.length);
    fdatasyncSync(file);
    times.push(performance.now() - begun);
  }
  closeSync(file);
  rmSync(path);
  return { p50: rounded(quantile(times, 0.5)), p99: rounded(quantile(times, 0.99)) };
}
