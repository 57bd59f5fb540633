import { expect, it } from "vitest";
import { aFolder } from "../support/scratch.js";
import { seeded } from "../support/seeded.js";
import { torture } from "../support/torture.js";

it.each([1, 2])(
  "loses nothing that it acknowledged when it is killed under load: a few of the 200 kills of npm run test:soak; processes on the file: %i",
  async (processes) => {
    const report = await torture(await aFolder(), { kills: 4, processes, random: seeded(1) });
    expect(report.acknowledged).toBeGreaterThan(25);
    expect(report.inFlightMin).toBeGreaterThan(0);
  },
  120_000,
);
