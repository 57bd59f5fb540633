import { expect, it } from "vitest";
import { aFolder } from "../support/scratch.js";
import { seeded } from "../support/seeded.js";
import { torture } from "../support/torture.js";

it("loses nothing that it acknowledged when it is killed under load: 8 of the 50 kills of npm run test:soak", async () => {
  const report = await torture(await aFolder(), 8, seeded(1));
  expect(report.acknowledged).toBeGreaterThan(50);
  expect(report.inFlight).toBeGreaterThan(0);
}, 120_000);
