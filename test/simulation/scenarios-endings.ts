/** How jobs end and come back: cancels, redrives, retries, budgets, factories that start anew, deps that fail. */
import { bulk } from "../../shared/core/bulk.js";
import {
  A,
  B,
  actor,
  claims,
  f1,
  factories,
  halfClaimed,
  owned,
  queued,
  reaps,
  releases,
  renewsTwice,
  ships,
  sweeps,
  time,
  twoQueued,
  withDependant,
} from "./cast.js";
import { doPatch, doRelease } from "./clients.js";
import { doCancel, doRedrive, doReport } from "./end-clients.js";
import type { Scenario } from "./explore.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import type { Actor, Self } from "./run.js";
import { ONE_CRASH, scenario } from "./scenario.js";

const cancels = (name = "p1 cancels", key?: string): Actor => actor(name, (self) => doCancel(self, A, key));
const redrives = (name = "p1 redrives", key?: string): Actor =>
  actor(name, (self) => doRedrive(self, A, {}, key));
const fails = (kind = "error"): Actor =>
  actor("f1 fails", (self) => doPatch(self, A, f1, { stage: "failed", failure: { kind } }));

/** Job a may be tried once more, at once; f1 holds it. */
async function ownedWithRetry(self: Self): Promise<void> {
  await factories(self);
  await doSubmit(self, "a", { retry: { max: 1, backoff: 0, on: ["error"] } });
  await doClaim(self, "f1", "first");
}

/** The same, at its last attempt, which f2 has at epoch 2. */
async function lastAttempt(self: Self): Promise<void> {
  await ownedWithRetry(self);
  await doPatch(self, A, f1, { stage: "failed" });
  await doClaim(self, "f2");
}

const f2 = { factoryId: "f2", leaseEpoch: 2 };

/** Job a failed at f1; b waits for it. */
async function failed(self: Self): Promise<void> {
  await owned(self);
  await doSubmit(self, "b", { deps: [A] });
  await doPatch(self, A, f1, { stage: "failed" });
}

/** Job a is held by f1; b waits for it and is to fail with it, and so is c with b. */
async function chain(self: Self): Promise<void> {
  await owned(self);
  await doSubmit(self, "b", { deps: [A], onDependencyFailure: "fail" });
  await doSubmit(self, "c", { deps: [B], onDependencyFailure: "fail" });
}

const twoLost = { crashes: 1, lost: 2, stale: 1 };

const CANCELS: readonly Scenario[] = [
  scenario("cancel alone, with bad luck twice", owned, [cancels()], twoLost),
  scenario("cancel under a key, twice", owned, [cancels("p1", "k"), cancels("p2", "k")], ONE_CRASH),
  scenario("ship ∥ cancel", owned, [ships(), cancels()]),
  scenario("checkpoint ∥ cancel", owned, [
    actor("f1 saves", (self) => doPatch(self, A, f1, { stage: "building", checkpoint: { wipCommit: "w1" } })),
    cancels(),
  ]),
  scenario("release ∥ cancel", owned, [releases(), cancels()], ONE_CRASH),
  scenario("cancel ∥ claim", queued, [cancels(), claims("f1")]),
  scenario("cancel ∥ cancel", owned, [cancels("p1"), cancels("p2")]),
  scenario("cancel ∥ reap, at the worst moment", owned, [cancels(), reaps(), time], ONE_CRASH),
  scenario("cancel ∥ renew, and renew again", owned, [cancels(), renewsTwice], ONE_CRASH),
  scenario("cancel ∥ a half-done claim goes on", halfClaimed, [cancels(), claims("f1", "first")], ONE_CRASH),
  scenario(
    "cancel ∥ release and claim by another",
    owned,
    [
      cancels(),
      actor("f1 releases, f2 claims", async (self) => {
        await doRelease(self, A, f1);
        await doClaim(self, "f2");
      }),
    ],
    ONE_CRASH,
  ),
  scenario(
    "bulk cancel ∥ claim",
    twoQueued,
    [
      actor("p1 cancels all", async ({ fleet, productId }) => {
        await bulk(fleet, productId, { action: "cancel", filter: {}, dryRun: false }, undefined);
      }),
      claims("f1"),
    ],
    ONE_CRASH,
  ),
  scenario("cancel, then what its holder still asks", owned, [
    actor("p1 cancels, f1 goes on", async (self) => {
      await doCancel(self, A);
      await doReport(self, A, f1, { tokensIn: 3 });
      await doPatch(self, A, f1, { stage: "shipped" });
    }),
  ]),
];

const COMEBACKS: readonly Scenario[] = [
  scenario("redrive alone, with bad luck twice", failed, [redrives()], twoLost),
  scenario("redrive ∥ redrive", failed, [redrives("p1"), redrives("p2")], ONE_CRASH),
  scenario(
    "redrive of a dependent ∥ its dependency ships",
    async (self) => {
      await withDependant(self);
      await doCancel(self, B);
    },
    [actor("p1 redrives b", (self) => doRedrive(self, B)), ships()],
    ONE_CRASH,
  ),
  scenario(
    "redrive under a key, twice ∥ claim",
    failed,
    [redrives("p1", "k"), redrives("p2", "k"), claims("f2")],
    ONE_CRASH,
  ),
  scenario("redrive ∥ sweep", failed, [redrives(), sweeps()], ONE_CRASH),
  scenario("redrive and claim ∥ the failure, told again", failed, [
    actor("p1 redrives, f2 claims", async (self) => {
      await doRedrive(self, A);
      await doClaim(self, "f2");
    }),
    fails(),
  ]),
  scenario("fail, to be tried again ∥ claim", ownedWithRetry, [fails(), claims("f2")], ONE_CRASH),
  scenario("fail, to be tried again ∥ reap", ownedWithRetry, [fails(), reaps(), time], ONE_CRASH),
  scenario("fail of a kind that is not tried again", ownedWithRetry, [fails("verify")]),
  scenario(
    "the last attempt fails ∥ reap",
    lastAttempt,
    [actor("f2 fails", (self) => doPatch(self, A, f2, { stage: "failed" })), reaps(), time],
    ONE_CRASH,
  ),
  scenario(
    "the last attempt expires ∥ claim",
    async (self, advance) => {
      await lastAttempt(self);
      advance(1000);
    },
    [reaps(), claims("f3")],
    ONE_CRASH,
  ),
  scenario("a dependency fails, and all who wait with it ∥ sweep", chain, [fails(), sweeps()], ONE_CRASH),
  scenario(
    "submit of a dependent that fails with it ∥ its dependency failing",
    owned,
    [actor("p1", (self) => doSubmit(self, "b", { deps: [A], onDependencyFailure: "fail" })), fails()],
    ONE_CRASH,
  ),
];

export const ENDINGS: readonly Scenario[] = [...CANCELS, ...COMEBACKS];
