/** Batches and profiles: whom they can meet. */
import { A, actor, claims, factories, f1, queued, reaps, renews, ships, sweeps, time } from "./cast.js";
import { doBatch } from "./batch-clients.js";
import { doRelease } from "./clients.js";
import type { Scenario } from "./explore.js";
import { doPut } from "./profile-clients.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import type { Actor, Self } from "./run.js";
import { ONE_CRASH, scenario } from "./scenario.js";
import type { Faults } from "./state.js";

const TWO_LOST: Faults = { crashes: 1, lost: 2, stale: 0 };
const ONE_LOST: Faults = { crashes: 0, lost: 1, stale: 0 };

const AB = [{ idempotencyKey: "b", deps: ["key:a"] }, { idempotencyKey: "a" }];
const batch = (name: string, jobs: Parameters<typeof doBatch>[1]): Actor =>
  actor(name, (self) => doBatch(self, jobs));
const puts = (name: string, ...snapshots: readonly object[]): Actor =>
  actor(name, async (self) => {
    for (const snapshot of snapshots) await doPut(self, "p", snapshot);
  });

/** Job a, of a profile with one version, is in the queue. */
const withProfile = (self: Self): Promise<void> => namingProfile(self, "p");

async function namingProfile(self: Self, profile: string): Promise<void> {
  await factories(self);
  await doPut(self, "p", { n: 1 });
  await doSubmit(self, "a", { profile });
}

/** The same, held by f1. */
async function heldWithProfile(self: Self): Promise<void> {
  await withProfile(self);
  await doClaim(self, "f1", "first");
}

/** The same, and its run was never stored. */
async function heldWithoutRun(self: Self): Promise<void> {
  await heldWithProfile(self);
  const run = await self.fleet.runs.get(A, `${A}:1`);
  if (run !== undefined) await self.fleet.runs.deleteIfMatch(A, run);
}

const BATCHES: readonly Scenario[] = [
  scenario("batch, dead midway, and its repetition ∥ claim", factories, [
    batch("p1", AB),
    batch("p1, started again,", AB),
    claims("f1"),
  ]),
  scenario("batch, and the same again ∥ claim", factories, [
    actor("p1 sends it twice", async (self) => {
      await doBatch(self, AB);
      await doBatch(self, AB);
    }),
    claims("f1"),
  ]),
  scenario("batch alone, with bad luck twice", factories, [batch("p1", AB)], TWO_LOST),
  scenario("batch of jobs beside one another, with bad luck", factories, [
    batch("p1", [{ idempotencyKey: "a" }, { idempotencyKey: "b" }]),
  ]),
  scenario("two batches of overlapping keys", factories, [
    batch("p1", AB),
    batch("p2", [
      { idempotencyKey: "c", deps: ["key:a"] },
      { idempotencyKey: "a", bodyMd: "other" },
    ]),
  ]),
  scenario("batch that supersedes ∥ claim of what it supersedes", queued, [
    batch("p1", [
      { idempotencyKey: "b", deps: ["key:a"] },
      { idempotencyKey: "a", bodyMd: "new" },
      { idempotencyKey: "c" },
    ]),
    claims("f1"),
  ]),
  scenario("batch that is refused ∥ submit of what it misses", factories, [
    batch("p1", [{ idempotencyKey: "b" }, { idempotencyKey: "c", deps: ["key:b", "key:a"] }]),
    actor("p2", (self) => doSubmit(self, "a")),
  ]),
];

const PROFILES: readonly Scenario[] = [
  scenario("put ∥ put of one profile, other content", factories, [
    puts("one", { n: 1 }, { n: 3 }),
    puts("two", { n: 2 }, { n: 1 }),
  ]),
  scenario("put ∥ put of one profile, same content", factories, [
    puts("one", { n: 1 }, { n: 2 }),
    puts("two", { n: 1 }, { n: 2 }),
  ]),
  scenario("put, with bad luck twice", factories, [puts("one", { n: 1 }, { n: 1 })], TWO_LOST),
  scenario("claim of a job with a profile ∥ put of its next version", withProfile, [
    claims("f1"),
    puts("one", { n: 2 }),
  ]),
  scenario(
    "claim of a job with a profile, its write is late ∥ put of its next version",
    withProfile,
    [claims("f1"), puts("one", { n: 2 })],
    ONE_LOST,
  ),
  scenario(
    "named claim of a job with a profile, and again ∥ put",
    withProfile,
    [
      actor("f1 claims as c1, and again", async (self) => {
        await doClaim(self, "f1", "c1");
        await doClaim(self, "f1", "c1");
      }),
      puts("one", { n: 2 }),
    ],
    ONE_CRASH,
  ),
  scenario(
    "claim of a job with a version of a profile ∥ put",
    (self) => namingProfile(self, "p:1"),
    [claims("f1"), puts("one", { n: 2 })],
    ONE_CRASH,
  ),
  scenario("submit of jobs with a profile ∥ claim", withProfile, [
    actor("p1", async (self) => {
      await doSubmit(self, "b", { profile: "p" });
      await doSubmit(self, "c", { profile: "p:1", priority: "high" });
    }),
    claims("f1"),
  ]),
  scenario("a run with a profile ends ∥ reap", heldWithProfile, [ships(), reaps(), time], ONE_CRASH),
  scenario(
    "a run with a profile that was never stored is released ∥ put, renew and sweep",
    heldWithoutRun,
    [actor("f1 releases", (self) => doRelease(self, A, f1, "w1")), puts("one", { n: 2 }), renews(), sweeps()],
    ONE_CRASH,
  ),
];

export const GRAPHS: readonly Scenario[] = [...BATCHES, ...PROFILES];
