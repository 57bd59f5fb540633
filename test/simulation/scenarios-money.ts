/** What jobs cost, and factories that start anew. */
import { isOwned } from "../../shared/core/advance.js";
import { revokeLease } from "../../shared/core/lease-writes.js";
import { reap } from "../../shared/core/reap.js";
import { A, actor, f1, factories, reaps, sweeps, time } from "./cast.js";
import { beat, doPatch, doRelease, doRenew } from "./clients.js";
import { doBoot, doRedrive, doReport } from "./end-clients.js";
import type { Scenario } from "./explore.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import type { Self } from "./run.js";
import { ONE_CRASH, scenario } from "./scenario.js";

const f2 = { factoryId: "f2", leaseEpoch: 2 };

/** Job a, held by f1, may cost 10 tokens, of which 6 are spent. */
async function ownedWithBudget(self: Self): Promise<void> {
  await factories(self);
  await doSubmit(self, "a", { budget: { tokens: 10 } });
  await doClaim(self, "f1", "first");
  await doReport(self, A, f1, { tokensIn: 6 });
}

/** Job a was given back by f1 with 6 of its 10 tokens, and f2 holds it at epoch 2. */
async function secondOwnerOfBudget(self: Self): Promise<void> {
  await ownedWithBudget(self);
  await doRelease(self, A, f1);
  await doClaim(self, "f2");
}

/** Job a is held by the first boot of f1. */
async function ownedByBoot(self: Self): Promise<void> {
  await factories(self);
  await doBoot(self, "f1", "boot-1");
  await doSubmit(self, "a");
  await doClaim(self, "f1", "first");
}

/** f1 gave job a back, and died before the end of its run was stored. */
async function releasedWithoutRun(self: Self): Promise<void> {
  await ownedWithBudget(self);
  await doRelease(self, A, f1);
  const run = await self.fleet.runs.get(A, `${A}:1`);
  if (run !== undefined) await self.fleet.runs.deleteIfMatch(A, run);
}

export const MONEY: readonly Scenario[] = [
  scenario("a report exhausts the budget, with bad luck twice", ownedWithBudget, [
    actor("f1 reports", (self) => doReport(self, A, f1, { tokensIn: 11 })),
  ]),
  scenario(
    "two reports, of which one exhausts the budget",
    ownedWithBudget,
    [
      actor("f1 reports 8", (self) => doReport(self, A, f1, { tokensIn: 8 })),
      actor("f1 reports 12", (self) => doReport(self, A, f1, { tokensIn: 12 })),
    ],
    ONE_CRASH,
  ),
  scenario(
    "a report exhausts the budget of a job whose reaper has just died ∥ reap",
    async (self) => {
      await ownedWithBudget(self);
      const [job, lease] = [await self.fleet.jobs.get(self.productId, A), await self.fleet.leases.get(A, A)];
      if (job !== undefined && isOwned(job.doc)) await revokeLease(self.fleet, job.doc, lease);
    },
    [
      actor("f1 reports, and goes on", async (self) => {
        await doReport(self, A, f1, { tokensIn: 11 });
        await beat(self, "f1");
      }),
      reaps(),
    ],
    ONE_CRASH,
  ),
  scenario(
    "a report exhausts the budget ∥ reap",
    ownedWithBudget,
    [
      actor("f1 reports, and goes on", async (self) => {
        await doReport(self, A, f1, { tokensIn: 11 });
        await beat(self, "f1");
      }),
      reaps(),
      time,
    ],
    ONE_CRASH,
  ),
  scenario(
    "a patch exhausts the budget ∥ reap",
    ownedWithBudget,
    [
      actor("f1 saves, at last", (self) =>
        doPatch(self, A, f1, { checkpoint: { wipCommit: "w1" }, insights: { tokensIn: 12 } }),
      ),
      reaps(),
      time,
    ],
    ONE_CRASH,
  ),
  scenario(
    "a release exhausts the budget ∥ sweep",
    ownedWithBudget,
    [actor("f1 releases", (self) => doRelease(self, A, f1, "w1", undefined, { tokensIn: 12 })), sweeps()],
    ONE_CRASH,
  ),
  scenario(
    "a release with its last report ∥ reap",
    ownedWithBudget,
    [actor("f1 releases", (self) => doRelease(self, A, f1, "w1", undefined, { tokensIn: 9 })), reaps(), time],
    ONE_CRASH,
  ),
  scenario(
    "a superseded worker reports ∥ the next owner",
    secondOwnerOfBudget,
    [
      actor("f1, superseded", (self) => doReport(self, A, f1, { tokensIn: 9 })),
      actor("f2 reports", (self) => doReport(self, A, f2, { tokensIn: 3 })),
    ],
    ONE_CRASH,
  ),
  scenario(
    "a late report ∥ its run is closed",
    ownedWithBudget,
    [
      actor("f1 releases, and reports late", async (self) => {
        await doRelease(self, A, f1);
        await doReport(self, A, f1, { tokensIn: 8 });
      }),
      sweeps(),
    ],
    ONE_CRASH,
  ),
  scenario(
    "a late report of a run that was never closed",
    releasedWithoutRun,
    [
      actor("f1 reports late, twice", async (self) => {
        await doReport(self, A, f1, { tokensIn: 8 });
        await doReport(self, A, f1, { tokensIn: 9 });
      }),
    ],
    ONE_CRASH,
  ),
  scenario("the budget is exhausted, and raised", ownedWithBudget, [
    actor("f1 reports, p1 redrives", async (self) => {
      await doReport(self, A, f1, { tokensIn: 11 });
      await doRedrive(self, A, { budget: { tokens: 20 } });
      await doClaim(self, "f2");
      await doReport(self, A, f1, { tokensIn: 12 });
      await doReport(self, A, f2, { tokensIn: 10 });
    }),
  ]),
];

export const BOOTS: readonly Scenario[] = [
  scenario("a factory starts anew ∥ its former start renews", ownedByBoot, [
    actor("boot 2", (self) => doBoot(self, "f1", "boot-2")),
    actor("boot 1", (self) => doRenew(self, A, f1)),
  ]),
  scenario(
    "a factory starts anew ∥ a late heartbeat of its former start",
    ownedByBoot,
    [
      actor("boot 2", async (self) => {
        await doBoot(self, "f1", "boot-2");
        await doClaim(self, "f1");
        await doBoot(self, "f1", "boot-2");
      }),
      actor("boot 1", (self) => doBoot(self, "f1", "boot-1")),
    ],
    ONE_CRASH,
  ),
  scenario(
    "a factory starts anew ∥ reap and claim by another",
    ownedByBoot,
    [
      actor("boot 2", (self) => doBoot(self, "f1", "boot-2")),
      time,
      actor("f2 takes over", async (self) => {
        await beat(self, "f2");
        await reap(self.fleet, self.productId, A);
        await doClaim(self, "f2");
      }),
    ],
    ONE_CRASH,
  ),
];
