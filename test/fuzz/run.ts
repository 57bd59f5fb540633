/** A whole run: an app of its own, so many requests, and what must be so when they are done. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { fuzz } from "./fuzz.js";
import type { Report } from "./fuzz.js";
import { startTarget } from "./target.js";

/** Where files are in memory: thousands of commits need not reach a disk to be judged. */
const IN_MEMORY = "/dev/shm";

/** Rejects with the smallest request that was answered wrongly; prints the seed, and the figures when it is done. */
export async function run(requests: number, seed: number, blobs: string): Promise<Report> {
  process.stdout.write(`fuzz: seed ${seed}\n`);
  const folder = await mkdtemp(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), "fleet-fuzz-"));
  try {
    const target = await startTarget(join(folder, "fleet.db"), blobs);
    try {
      const startedMs = performance.now();
      const report = await fuzz(target, requests, seed);
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      process.stdout.write(
        `fuzz: ${JSON.stringify({ ...report, seconds, untouched: report.untouched.size })}\n`,
      );
      expect(report.requests).toBeGreaterThanOrEqual(requests);
      // A route that accepts nothing was fuzzed at its door only: it lacks a sample of what is fine.
      const refusing = target.routes.filter(({ name }) => report.accepted[name] === undefined);
      expect(refusing.map(({ name }) => name)).toEqual([]);
      expect(target.misshapen()).toEqual([]);
      return report;
    } finally {
      await target.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The seed that was asked for, else this one. */
export function seedOr(usual: number): number {
  const given = process.env["FLEET_FUZZ_SEED"];
  if (given === undefined) return usual;
  if (!/^-?\d{1,10}$/.test(given)) throw new Error("FLEET_FUZZ_SEED must be a whole number");
  return Number(given);
}
