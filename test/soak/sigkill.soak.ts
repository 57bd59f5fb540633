import { expect, it } from "vitest";
import { aFolder } from "../support/scratch.js";
import { seeded } from "../support/seeded.js";
import { torture } from "../support/torture.js";

it.each([
  { processes: 1, kills: 100 },
  { processes: 2, kills: 100 },
])(
  "loses nothing that it acknowledged in $kills random SIGKILLs under load: processes on the file: $processes",
  async ({ processes, kills }) => {
    const random = seeded(20_260_115);
    const report = await torture(await aFolder(), { kills, processes, random, settle: true });
    process.stdout.write(`${JSON.stringify({ processes, ...report })}\n`);
    expect(report.kills).toBe(kills);
    expect(report.inFlightMin).toBeGreaterThan(0);
  },
);
