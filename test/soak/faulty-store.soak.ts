import { expect, it } from "vitest";
import { onFaultyEmulator, onFaultyFile } from "../support/faulty-runs.js";
import { aFolder } from "../support/scratch.js";

it("20 factories finish 2,000 jobs on a database file that fails, and nobody is told a lie", async () => {
  const report = await onFaultyFile(await aFolder(), { factories: 20, jobs: 2000, seed: 7 });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.jobs).toBe(2000);
});

// The emulator copies a container for each query: so many jobs at a time, and ten times.
it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  "20 factories finish 200 jobs on Cosmos DB behind a broken network, and nobody is told a lie: wave %i",
  async (seed) => {
    const report = await onFaultyEmulator({ factories: 20, jobs: 200, seed });
    process.stdout.write(`${JSON.stringify(report)}\n`);
    expect(report.jobs).toBe(200);
  },
);
