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

function named(name: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  return scenario;
}

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
    processes: 3,
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

  it.each([
    "claim ∥ claim on two jobs",
    "renew ∥ reap",
    "upload ∥ list ∥ list",
    "two batches of overlapping keys",
    "ship that falls asleep for a month ∥ sweeps",
    "one of two dependencies ships ∥ sweep",
  ])("comes by its short cut to where the actors come from the beginning: %s", async (name) => {
    const explorer = new Explorer(await prepare(named(name)), 1);
    await explorer.explore(() => explorer.schedules >= 200);
    expect(explorer.report()).toMatchObject({ rerun: explorer.schedules, violations: [] });
  });

  it("notices an actor that learns something in secret, for which its short cut would be wrong", async () => {
    let secret = "";
    const whisperer: Scenario = {
      name: "two who whisper",
      faults: { crashes: 0, lost: 0, stale: 0 },
      processes: 2,
      actors: async (self) => {
        await beat(self, "f1");
        return [
          {
            name: "one",
            act: async (one) => {
              await one.fleet.factories.get(PRODUCT, "f1");
              secret = "f2";
              await one.fleet.factories.get(PRODUCT, "f3");
              secret = "";
            },
          },
          {
            name: "other",
            act: async (other) => {
              await other.fleet.factories.get(PRODUCT, "f1");
              await other.fleet.factories.get(PRODUCT, secret);
            },
          },
        ];
      },
    };
    const explorer = new Explorer(await prepare(whisperer), 1);
    await explorer.explore(() => false);
    expect(explorer.violations).toMatchObject([{ invariant: "exception" }]);
  });

  it("explores the same schedules each time", async () => {
    const scenario = named("submit ∥ submit of one key, other content");
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
