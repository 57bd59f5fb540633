/** Lanes, candidates that claims of one instance share, and what an instance remembers: whom each can meet. */
import { omit } from "../../shared/schema/omit.js";
import { isQueued, toAssigned } from "../../shared/core/advance.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import {
  A,
  B,
  actor,
  claims,
  f1,
  factories,
  owned,
  queued,
  reaps,
  submits,
  sweeps,
  time,
  twoQueued,
} from "./cast.js";
import { doBatch } from "./batch-clients.js";
import { beat, doPatch, doRelease, doRenew } from "./clients.js";
import type { Scenario } from "./explore.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import type { Actor, Self } from "./run.js";
import { ONE_CRASH, scenario } from "./scenario.js";
import type { Faults } from "./state.js";

const TWO_LOST: Faults = { crashes: 1, lost: 2, stale: 0 };
const LINUX = { capabilities: ["linux"] };
const MAC = { capabilities: ["linux", "mac"] };

/** Calls that one instance serves at the same time, each to its end. */
const together = (name: string, ...calls: readonly ((self: Self) => Promise<unknown>)[]): Actor =>
  actor(name, async (self) => {
    const done = await Promise.allSettled(calls.map((call) => call(self)));
    for (const one of done) if (one.status === "rejected") throw one.reason;
  });
const bothClaim = together(
  "one instance, for f1 and f2",
  (self) => doClaim(self, "f1"),
  (self) => doClaim(self, "f2"),
);

/** f1 has linux, f2 has nothing; job a, which asks for nothing, is in the queue. */
async function oneWithLinux(self: Self): Promise<void> {
  await beat(self, "f1", 100, ["linux"]);
  await beat(self, "f2");
  await doSubmit(self, "a");
}

/** The product has a lane already. */
async function oneLane(self: Self): Promise<void> {
  await factories(self);
  await doSubmit(self, "c", { capabilities: ["gpu"] });
}

/** Job a, of linux, is in the queue, as a version without lanes queued it. */
async function unlaned(self: Self): Promise<void> {
  await beat(self, "f1", 100, ["linux"]);
  await doSubmit(self, "a", LINUX);
  const lanes = await self.fleet.lanes.get(self.productId, "lanes");
  const job = await self.fleet.jobs.get(self.productId, A);
  if (job === undefined || lanes === undefined) throw new Error("not submitted");
  await self.fleet.jobs.replaceIfMatch(job, omit(job.doc, "lane"));
}

/** Jobs a and b are both f1's as c1, by duplicates that died before they took a lease. */
async function claimedTwice(self: Self): Promise<void> {
  await twoQueued(self);
  for (const id of [A, B]) {
    const read = await self.fleet.jobs.get(self.productId, id);
    if (read === undefined || !isQueued(read.doc)) throw new Error("not queued");
    const claimer = { factoryId: "f1", engine: undefined, claimId: "f1/c1" };
    await self.fleet.jobs.replaceIfMatch(read, toAssigned(read.doc, claimer, self.fleet.clock.now()));
  }
}

const LANES: readonly Scenario[] = [
  scenario("submit into a new lane ∥ claim", oneWithLinux, [submits("p1", "b", LINUX), claims("f1")]),
  scenario("submits into one new lane", factories, [submits("p1", "a", LINUX), submits("p2", "b", LINUX)]),
  scenario("submits into two new lanes", oneLane, [submits("p1", "a", LINUX), submits("p2", "b", MAC)]),
  scenario(
    "submit into a new lane alone, with bad luck twice",
    factories,
    [submits("p1", "a", LINUX)],
    TWO_LOST,
  ),
  scenario("supersede into a new lane ∥ claim", oneWithLinux, [
    submits("p1", "a", { bodyMd: "new", ...LINUX }),
    claims("f2"),
  ]),
  scenario(
    "two submits into a new lane, by one instance",
    factories,
    [
      together(
        "one instance, for p1 and p2",
        (self) => doSubmit(self, "a", LINUX),
        (self) => doSubmit(self, "b", LINUX),
      ),
    ],
    TWO_LOST,
  ),
  scenario("submit, and another into the same lane, by one instance", factories, [
    actor("p1", async (self) => {
      await doSubmit(self, "a", LINUX).catch(() => undefined);
      await doSubmit(self, "b", LINUX);
    }),
  ]),
  scenario(
    "batch into new lanes ∥ submit into one of them",
    factories,
    [
      actor("p1 sends a batch", (self) =>
        doBatch(self, [
          { idempotencyKey: "a", ...LINUX },
          { idempotencyKey: "b", ...MAC },
        ]),
      ),
      submits("p2", "c", MAC),
    ],
    ONE_CRASH,
  ),
  scenario("sweep of a job without a lane ∥ claim", unlaned, [sweeps(), claims("f1")], ONE_CRASH),
  scenario(
    "sweep of a job without a lane ∥ supersede",
    unlaned,
    [sweeps(), submits("p1", "a", { bodyMd: "new", ...MAC })],
    ONE_CRASH,
  ),
];

const CANDIDATES: readonly Scenario[] = [
  scenario(
    "claim that finds two jobs under its id",
    claimedTwice,
    [
      // The second call: so that it can die after the last operation of the first.
      actor("f1 claims as c1, and again", async (self) => {
        await doClaim(self, "f1", "c1");
        await doClaim(self, "f1", "c1");
      }),
    ],
    ONE_CRASH,
  ),
  scenario("two claims of one instance ∥ claim of another", twoQueued, [bothClaim, claims("f3")], ONE_CRASH),
  scenario("two claims of one instance, and one job", queued, [bothClaim]),
  scenario("instance that dies with candidates in hand ∥ sweep", twoQueued, [bothClaim, sweeps()], {
    crashes: 1,
    lost: 0,
    stale: 0,
  }),
  scenario(
    "claim, and again, by one instance ∥ submit into a new lane",
    oneWithLinux,
    [
      actor("f1 claims twice", async (self) => {
        await doClaim(self, "f1");
        await doClaim(self, "f1");
      }),
      submits("p1", "b", LINUX),
    ],
    ONE_CRASH,
  ),
  scenario(
    "claim, and again with more to offer, by one instance ∥ claim",
    queued,
    [
      actor("f1 learns linux", async (self) => {
        await doClaim(self, "f1");
        await doSubmit(self, "b", LINUX);
        await beat(self, "f1", 100, ["linux"]);
        await doClaim(self, "f1");
      }),
      claims("f2"),
    ],
    ONE_CRASH,
  ),
];

/** What it wrote last is what it renews; others may have written since. */
const MEMORY: readonly Scenario[] = [
  scenario(
    "claim and renewals by one instance ∥ reap, at the worst moment",
    queued,
    [
      actor("f1 claims and renews", async (self) => {
        const claimed = await doClaim(self, "f1");
        if (claimed.kind !== "claimed") return;
        const who = { factoryId: "f1", leaseEpoch: claimed.job.leaseEpoch };
        await doRenew(self, A, who);
        await doRenew(self, A, who);
      }),
      reaps(),
      time,
    ],
    ONE_CRASH,
  ),
  scenario(
    "renewals by one instance ∥ release by another",
    owned,
    [
      actor("f1 renews", async (self) => {
        await doRenew(self, A, f1);
        await doRenew(self, A, f1);
      }),
      actor("f1 releases elsewhere", (self) => doRelease(self, A, f1, "w1")),
    ],
    ONE_CRASH,
  ),
  scenario("two renewals at once by one instance", owned, [
    together(
      "one instance, for f1",
      async (self) => {
        await doRenew(self, A, f1);
        await doRenew(self, A, f1);
      },
      (self) => doRenew(self, A, f1),
    ),
  ]),
  scenario("a neighbour renews, with the right epoch ∥ renew", owned, [
    {
      ...actor("f1 of another product", (self) => doRenew(self, A, f1)),
      productId: "umbrella",
    },
    actor("f1 renews", (self) => doRenew(self, A, f1)),
  ]),
  scenario(
    "ship ∥ sweep that counts",
    owned,
    [
      actor("f1 ships", (self) => doPatch(self, A, f1, { stage: "shipped", insights: { turns: 2 } })),
      actor("sweeper", async (self) => {
        const sweep = startSweep(self.fleet);
        await reapAndSweep(self.fleet, sweep);
      }),
    ],
    ONE_CRASH,
  ),
];

export const QUEUE: readonly Scenario[] = [...LANES, ...CANDIDATES, ...MEMORY];
