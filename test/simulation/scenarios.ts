/**
 * What is explored exhaustively: small casts on one or two jobs, each pair of operations that can meet.
 * `time` is an actor, too: it lets every lease run out at whatever moment hurts most.
 */
import { reap } from "../../shared/core/reap.js";
import {
  A,
  B,
  actor,
  checkpoints,
  claims,
  f1,
  factories,
  overdue,
  overdueDependant,
  reaped,
  owned,
  queued,
  queuedAgain,
  reaps,
  releases,
  renews,
  renewsTwice,
  ships,
  submits,
  sweeps,
  time,
  twoDeps,
  twoQueued,
  withDependant,
} from "./cast.js";
import { beat, doPatch, doReadEvents, doRelease, doRenew } from "./clients.js";
import { doClaim } from "./queue-clients.js";
import type { Scenario } from "./explore.js";
import { ONE_CRASH, scenario } from "./scenario.js";
import { ARTIFACTS } from "./scenarios-artifacts.js";
import { ENDINGS } from "./scenarios-endings.js";
import { BOOTS, MONEY } from "./scenarios-money.js";
import { ALONE, AGAIN } from "./scenarios-alone.js";
import { GRAPHS } from "./scenarios-graphs.js";
import { QUEUE } from "./scenarios-queue.js";
import { TOTALS } from "./scenarios-totals.js";
import { PRODUCT } from "./run.js";

export const SCENARIOS: readonly Scenario[] = [
  ...ALONE,
  ...AGAIN,
  ...ARTIFACTS,
  ...ENDINGS,
  ...MONEY,
  ...BOOTS,
  ...GRAPHS,
  ...TOTALS,
  ...QUEUE,
  scenario("second claim ∥ reap, at the worst moment", queuedAgain, [claims("f1"), reaps(), time], ONE_CRASH),
  scenario("claim, then a patch at once", queued, [
    actor("f1 claims and works", async (self) => {
      const claimed = await doClaim(self, "f1");
      if (claimed.kind !== "claimed") return;
      const who = { factoryId: "f1", leaseEpoch: claimed.job.leaseEpoch };
      await doPatch(self, A, who, { stage: "building" });
      await doRenew(self, A, who);
      await doPatch(self, A, who, { stage: "shipped" });
    }),
  ]),
  scenario(
    "another factory guesses the epoch",
    owned,
    [
      actor("f2 guesses", async (self) => {
        const guess = { factoryId: "f2", leaseEpoch: 1 };
        await doPatch(self, A, guess, { stage: "building", checkpoint: { wipCommit: "guess" } });
        await doPatch(self, A, guess, { stage: "shipped" });
        await doRelease(self, A, guess, "guess");
        await doRenew(self, A, guess);
      }),
      actor("f1 is ahead of its time", async (self) => {
        await doPatch(self, A, { factoryId: "f1", leaseEpoch: 2 }, { checkpoint: { wipCommit: "early" } });
      }),
      ships(),
    ],
    ONE_CRASH,
  ),
  scenario("release ∥ renew, and renew again", owned, [releases(), renewsTwice]),
  scenario("checkpoint, then release", owned, [
    actor("f1 saves and releases", async (self) => {
      await doPatch(self, A, f1, { checkpoint: { wipCommit: "w1" } });
      await doRelease(self, A, f1, "w2");
    }),
  ]),
  scenario("zombie ∥ the next life of its own factory", reaped, [
    actor("f1, as it was", async (self) => {
      await doPatch(self, A, f1, { stage: "building", checkpoint: { wipCommit: "zombie" } });
      await doPatch(self, A, f1, { stage: "shipped" });
    }),
    claims("f1"),
  ]),
  scenario("supersede of a job that was held before ∥ claim", queuedAgain, [
    submits("p1", "a", { bodyMd: "new" }),
    claims("f2"),
  ]),
  scenario(
    "claim ∥ reap and claim by another, at the worst moment",
    queued,
    [
      claims("f1"),
      time,
      actor("f2 takes over", async (self) => {
        await reap(self.fleet, PRODUCT, A);
        await doClaim(self, "f2");
      }),
    ],
    ONE_CRASH,
  ),
  scenario("one of two dependencies ships ∥ sweep", twoDeps, [ships(), sweeps()], ONE_CRASH),
  scenario("claim of nothing ∥ reap for it", overdue, [claims("f2"), claims("f3")], ONE_CRASH),
  scenario(
    "heartbeat ∥ heartbeat and claim",
    queued,
    [
      actor("f1 reports", (self) => beat(self, "f1")),
      actor("f1 reports too, and claims", async (self) => {
        await beat(self, "f1");
        await doClaim(self, "f1");
        await beat(self, "f1");
      }),
    ],
    ONE_CRASH,
  ),
  scenario("claim ∥ claim on one job", queued, [claims("f1"), claims("f2")]),
  scenario("claim ∥ claim on two jobs", twoQueued, [claims("f1"), claims("f2")], ONE_CRASH),
  scenario("claim ∥ reap, at the worst moment", queued, [claims("f1"), reaps(), time]),
  scenario("claim ∥ sweep, at the worst moment", queued, [claims("f1"), sweeps(), time], ONE_CRASH),
  scenario(
    "claim ∥ two reapers, at the worst moment",
    queued,
    [claims("f1"), reaps("reaper 1"), reaps("reaper 2"), time],
    ONE_CRASH,
  ),
  scenario("renew ∥ reap", owned, [renews(), reaps(), time]),
  scenario("renew with totals ∥ reap", owned, [renews(3), reaps(), time]),
  scenario("patch to shipped ∥ reap", owned, [ships(), reaps(), time]),
  scenario("checkpoint ∥ reap", owned, [checkpoints("w1"), reaps(), time]),
  scenario("release ∥ reap", owned, [releases(), reaps(), time]),
  scenario("reap ∥ reap", overdue, [reaps("reaper 1"), reaps("reaper 2")]),
  scenario("reap ∥ sweep", overdue, [reaps(), sweeps()], ONE_CRASH),
  scenario("reap ∥ claim by another", overdue, [reaps(), claims("f2")]),
  scenario("submit ∥ submit of one key, same content", factories, [submits("p1", "a"), submits("p2", "a")]),
  scenario("submit ∥ submit of one key, other content", factories, [
    submits("p1", "a", { bodyMd: "one" }),
    submits("p2", "a", { bodyMd: "two" }),
  ]),
  scenario("submit ∥ claim of what it submits", factories, [submits("p1", "a"), claims("f1")]),
  scenario("supersede ∥ claim", queued, [submits("p1", "a", { bodyMd: "new" }), claims("f1")]),
  scenario("supersede ∥ late duplicate of the old", queued, [
    submits("p1", "a", { bodyMd: "new" }),
    submits("p2", "a"),
  ]),
  scenario("two supersedes that would close a cycle", twoQueued, [
    submits("p1", "a", { bodyMd: "new", deps: [B] }),
    submits("p2", "b", { bodyMd: "new", deps: [A] }),
  ]),
  scenario("submit of a dependent ∥ its dependency shipping", owned, [
    submits("p1", "b", { deps: [A] }),
    ships(),
  ]),
  scenario("dependency ships ∥ sweep", (s) => withDependant(s), [ships(), sweeps()], ONE_CRASH),
  scenario(
    "dependency goes to testing and back ∥ soft dependent submitted",
    owned,
    [
      submits("p1", "b", { deps: [A], depsMode: "soft" }),
      actor("f1 tests", async (self) => {
        await doPatch(self, A, f1, { stage: "testing" });
        await doPatch(self, A, f1, { stage: "building" });
      }),
    ],
    ONE_CRASH,
  ),
  scenario(
    "reap of a dependent ∥ its claim",
    overdueDependant,
    [reaps("reaper", B), claims("f2")],
    ONE_CRASH,
  ),
  scenario("claim retried after a lost answer, with the same claim id", twoQueued, [
    claims("f1", "c1"),
    actor("f1 claims again as c1", (self) => doClaim(self, "f1", "c1")),
  ]),
  scenario("claim retried after a lost answer, with another claim id", queued, [
    claims("f1", "c1"),
    claims("f1", "c2"),
  ]),
  scenario("repeated claim ∥ reap", owned, [
    actor("f1 claims again as first", (self) => doClaim(self, "f1", "first")),
    reaps(),
    time,
  ]),
  scenario("ship ∥ ship, one key", owned, [
    ships("k"),
    actor("f1 ships again", (self) => doPatch(self, A, f1, { stage: "shipped" }, "k")),
  ]),
  scenario(
    "ship under a key ∥ reap and the next owner's ship under the same key",
    overdue,
    [
      ships("k"),
      actor("f2 takes over", async (self) => {
        await reap(self.fleet, PRODUCT, A);
        const claimed = await doClaim(self, "f2");
        if (claimed.kind !== "claimed") return;
        const who = { factoryId: "f2", leaseEpoch: claimed.job.leaseEpoch };
        await doPatch(self, A, who, { stage: "shipped" }, "k");
      }),
    ],
    ONE_CRASH,
  ),
  scenario("release ∥ its own duplicate, one key", owned, [
    releases("k"),
    actor("f1 releases again", (self) => doRelease(self, A, f1, "w1", "k")),
  ]),
  scenario("release ∥ claim by another", owned, [releases(), claims("f2")]),
  scenario("two patches of one owner", owned, [checkpoints("w1"), checkpoints("w2")]),
  scenario("reader of events ∥ patches", owned, [
    actor("reader", (self) => doReadEvents(self, A)),
    actor("f1 works", async (self) => {
      await doPatch(self, A, f1, { stage: "building" });
      await doPatch(self, A, f1, { stage: "testing" });
      await doPatch(self, A, f1, { stage: "shipped" });
    }),
  ]),
  scenario(
    "zombie ∥ the next owner",
    reaped,
    [
      actor("f1, a zombie", async (self) => {
        await doRenew(self, A, f1);
        await doPatch(self, A, f1, { stage: "shipped", checkpoint: { wipCommit: "zombie" } });
        await doRelease(self, A, f1, "zombie");
      }),
      claims("f2"),
    ],
    ONE_CRASH,
  ),
];
