import { describe, expect, it } from "vitest";
import { reap } from "../../shared/core/reap.js";
import { beat, doPatch } from "./clients.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import { Explorer, prepare, replay } from "./explore.js";
import type { Scenario } from "./explore.js";
import { PRODUCT } from "./run.js";
import { SCENARIOS } from "./scenarios.js";

/**
 * Schedules of each scenario that every test run explores: about 0.2 s, so that all of them stay under 30 s.
 * CI explores them for half a minute more (`npm run prove`), on every core.
 */
const SCHEDULES_MAX = 120;

describe("the protocol holds under every schedule explored", () => {
  it.each(SCENARIOS)("$name", async (scenario) => {
    const explorer = new Explorer(await prepare(scenario));
    await explorer.explore(() => explorer.schedules >= SCHEDULES_MAX);
    expect(explorer.report().violations).toEqual([]);
  });
});

describe("the explorer", () => {
  /** A client that believes it holds a job which it never claimed, and a "coordinator" that agrees. */
  const broken: Scenario = {
    name: "a job is handed to a second owner at the same epoch",
    faults: { crashes: 0, lost: 0, stale: 0 },
    actors: async (self) => {
      await beat(self, "f1");
      await doSubmit(self, "a");
      const claimed = await doClaim(self, "f1");
      if (claimed.kind !== "claimed") throw new Error("no job");
      const { id } = claimed.job;
      return [
        {
          name: "f1",
          act: (f1) => doPatch(f1, id, { factoryId: "f1", leaseEpoch: 1 }, { stage: "building" }),
        },
        {
          name: "thief",
          act: async ({ fleet }) => {
            const job = await fleet.jobs.get(PRODUCT, id);
            if (job !== undefined)
              await fleet.jobs.replaceIfMatch(job, { ...job.doc, holderFactoryId: "thief" });
          },
        },
        { name: "reaper", act: (reaper) => reap(reaper.fleet, PRODUCT, id) },
      ];
    },
  };

  it("finds a broken invariant, names it, and tells how it came about", async () => {
    const explorer = new Explorer(await prepare(broken));
    await explorer.explore(() => false);
    const [found] = explorer.violations;
    expect(found).toMatchObject({ invariant: "1" });
    expect(found?.story.join("\n")).toContain("thief: replaceIfMatch fleet_jobs");
  });

  it("replays what it found, to the letter", async () => {
    const prepared = await prepare(broken);
    const explorer = new Explorer(prepared);
    await explorer.explore(() => false);
    const found = explorer.violations[0];
    const story: string[] = [];
    const again = replay(prepared, found?.schedule ?? [], (line) => story.push(line));
    await expect(again).rejects.toThrow(found?.message);
    expect(story).toEqual(found?.story);
  });

  it("explores the same schedules each time", async () => {
    const scenario = SCENARIOS.find(({ name }) => name === "submit ∥ submit of one key, other content");
    if (scenario === undefined) throw new Error("no such scenario");
    const reports = [];
    for (let n = 0; n < 2; n++) {
      const explorer = new Explorer(await prepare(scenario));
      await explorer.explore(() => false);
      reports.push(explorer.report());
    }
    expect(reports[0]).toMatchObject({ complete: true });
    expect(reports[0]).toEqual(reports[1]);
  });
});
