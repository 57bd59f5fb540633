import { expect, it } from "vitest";
import { aFolder } from "../support/scratch.js";
import { seeded } from "../support/seeded.js";
import { torture } from "../support/torture.js";

it("loses nothing that it acknowledged in 50 random SIGKILLs under load", async () => {
  const report = await torture(await aFolder(), 50, seeded(20_260_115));
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.kills).toBe(50);
  expect(report.inFlight).toBeGreaterThan(50);
});
