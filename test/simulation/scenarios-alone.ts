/**
 * Callers who meet nobody but bad luck: two lost or refused operations in one call, so that what follows
 * an unknown outcome is itself refused. And callers who go on to a second call, so that they can die
 * after the last operation of the first.
 */
import { isOwned } from "../../shared/core/advance.js";
import { grantLease, withdrawLease } from "../../shared/core/lease-writes.js";
import { reap } from "../../shared/core/reap.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import {
  A,
  actor,
  claims,
  f1,
  factories,
  halfClaimed,
  halfClaimedAgain,
  overdue,
  owned,
  queued,
  reaps,
  releases,
  revoked,
  sweeps,
  undone,
  renews,
  renewsTwice,
  ships,
  submits,
  time,
  twoQueued,
  withDependant,
} from "./cast.js";
import { beat, doPatch, doReadEvents, doRelease } from "./clients.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import { PRODUCT } from "./run.js";
import { ONE_CRASH, scenario } from "./scenario.js";
import type { Scenario } from "./explore.js";
import type { Faults } from "./state.js";

const TWO_LOST: Faults = { crashes: 1, lost: 2, stale: 1 };

export const ALONE: readonly Scenario[] = [
  scenario("submit alone, with bad luck twice", factories, [submits("p1", "a")], TWO_LOST),
  scenario("supersede alone, with bad luck twice", queued, [submits("p1", "a", { bodyMd: "new" })], TWO_LOST),
  scenario("claim alone, with bad luck twice", twoQueued, [claims("f1")], TWO_LOST),
  scenario("named claim alone, with bad luck twice", twoQueued, [claims("f1", "c1")], TWO_LOST),
  scenario("claim that reaps first, with bad luck twice", overdue, [claims("f2")], TWO_LOST),
  scenario("renew alone, with bad luck twice", owned, [renews()], TWO_LOST),
  scenario("renew with totals alone, with bad luck twice", owned, [renews(3)], TWO_LOST),
  scenario("ship alone, with bad luck twice", (self) => withDependant(self), [ships()], TWO_LOST),
  scenario("release alone, with bad luck twice", owned, [releases()], TWO_LOST),
  scenario("reap alone, with bad luck twice", overdue, [reaps()], TWO_LOST),
];

const claimsTwiceAsC1 = actor("f1 claims as c1, and again", async (self) => {
  await doClaim(self, "f1", "c1");
  await doClaim(self, "f1", "c1");
});
const threeOfC1 = [
  claims("f1", "c1"),
  actor("duplicate", (self) => doClaim(self, "f1", "c1")),
  actor("repetition", (self) => doClaim(self, "f1", "c1")),
];

export const AGAIN: readonly Scenario[] = [
  scenario(
    "a named claim and its repetition ∥ its duplicate",
    twoQueued,
    [claimsTwiceAsC1, claims("f1", "c1")],
    ONE_CRASH,
  ),
  scenario("three of one named claim", twoQueued, threeOfC1, { crashes: 0, lost: 0, stale: 0 }),
  scenario("two of one named claim, an answer is lost", twoQueued, threeOfC1.slice(1), {
    crashes: 0,
    lost: 1,
    stale: 0,
  }),
  scenario("three of one named claim, an answer is lost", twoQueued, threeOfC1, {
    crashes: 0,
    lost: 1,
    stale: 0,
  }),
  scenario("a holder reports, and reports again ∥ reap", owned, [
    actor("f1 reports twice", async (self) => {
      await beat(self, "f1");
      await beat(self, "f1");
    }),
    reaps(),
    time,
  ]),
  scenario("renew, and renew again ∥ reap", owned, [renewsTwice, reaps(), time], ONE_CRASH),
  scenario(
    "a reader who comes twice ∥ ship",
    owned,
    [
      actor("reader", async (self) => {
        await doReadEvents(self, A);
        await doReadEvents(self, A);
      }),
      ships(),
    ],
    ONE_CRASH,
  ),
  scenario("claim of nothing, and again ∥ submit", factories, [
    actor("f1 claims twice", async (self) => {
      await doClaim(self, "f1");
      await doClaim(self, "f1");
    }),
    actor("p1", (self) => doSubmit(self, "a")),
  ]),
  scenario(
    "two ticks of a sweep ∥ ship",
    (self) => withDependant(self),
    [
      actor("sweeper", async (self) => {
        const sweep = startSweep(self.fleet);
        await reapAndSweep(self.fleet, sweep);
        await reapAndSweep(self.fleet, sweep);
      }),
      ships(),
    ],
    ONE_CRASH,
  ),
  scenario(
    "a seat that is taken ∥ its release",
    async (self) => {
      await twoQueued(self);
      await beat(self, "f1", 1);
      await doClaim(self, "f1");
    },
    [
      actor("f1 claims", (self) => doClaim(self, "f1")),
      actor("f1 releases", (self) => doRelease(self, A, f1)),
    ],
    ONE_CRASH,
  ),
  scenario(
    "one key, two bodies",
    owned,
    [
      actor("f1 saves w1", (self) => doPatch(self, A, f1, { checkpoint: { wipCommit: "w1" } }, "k")),
      actor("f1 saves w2", (self) => doPatch(self, A, f1, { checkpoint: { wipCommit: "w2" } }, "k")),
    ],
    ONE_CRASH,
  ),
  scenario("a claim without an answer ∥ its repetition, which releases", queued, [
    claims("f1", "c1"),
    actor("f1 claims again as c1, and releases", async (self) => {
      const claimed = await doClaim(self, "f1", "c1");
      if (claimed.kind === "claimed") await doRelease(self, A, f1);
    }),
  ]),
  scenario(
    "what was accepted under a key, repeated after a release",
    owned,
    [
      actor("f1 saves, releases, and saves again", async (self) => {
        const save = { checkpoint: { wipCommit: "w1" } };
        await doPatch(self, A, f1, save, "k");
        await doPatch(self, A, f1, { stage: "assigned" });
        await doRelease(self, A, f1);
        await doPatch(self, A, f1, save, "k");
      }),
    ],
    ONE_CRASH,
  ),
  scenario(
    "renew, where the lease was revoked ∥ the reaper goes on",
    revoked,
    [renewsTwice, reaps()],
    ONE_CRASH,
  ),
  scenario(
    "a sweep finds a final job undone ∥ another sweep",
    undone,
    [sweeps(), sweeps("second sweeper")],
    ONE_CRASH,
  ),
  scenario("a grant is withdrawn ∥ renew", owned, [
    actor("claimer", async ({ fleet }) => {
      const job = (await fleet.jobs.get(PRODUCT, A))?.doc;
      if (job === undefined || !isOwned(job)) return;
      const grant = await grantLease(fleet, job, 90);
      if (grant.kind === "granted") await withdrawLease(fleet, grant.lease);
      // It goes on, so that it can die after the withdrawal's last operation.
      await fleet.leases.get(A, A);
    }),
    renews(),
  ]),
  scenario("a half-done claim goes on ∥ reap", halfClaimed, [claims("f1", "first"), reaps()], ONE_CRASH),
  scenario(
    "a half-done claim goes on over an old lease ∥ reap",
    halfClaimedAgain,
    [claims("f1", "second"), reaps()],
    ONE_CRASH,
  ),
  scenario(
    "a half-done claim goes on ∥ reap, and claim by another",
    halfClaimed,
    [
      claims("f1", "first"),
      actor("f2 takes over", async (self) => {
        await reap(self.fleet, PRODUCT, A);
        await doClaim(self, "f2");
      }),
    ],
    ONE_CRASH,
  ),
];
