import { expect, it } from "vitest";
import { onFaultyEmulator, onFaultyFile } from "../support/faulty-runs.js";
import { aFolder } from "../support/scratch.js";

it("a fleet finishes its jobs on a database file that fails, and nobody is told a lie", async () => {
  const report = await onFaultyFile(await aFolder(), { factories: 5, jobs: 60, seed: 1 });
  expect(report.throttled).toBeGreaterThan(0);
  expect(report.unavailable).toBeGreaterThan(0);
  expect(Object.keys(report.faults).sort()).toEqual(["late", "lost", "slow", "throttled", "unavailable"]);
});

it("a fleet finishes its jobs on Cosmos DB behind a broken network, and nobody is told a lie", async () => {
  const report = await onFaultyEmulator({ factories: 5, jobs: 12, seed: 2 });
  expect(report.unavailable).toBeGreaterThan(0);
});
