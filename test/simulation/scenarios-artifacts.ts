/** Artifacts: registrations that meet whatever ends a lease, their own repetition, and whoever lists. */
import { A, actor, claims, f1, overdue, owned, reaped, reaps, releases, ships, time } from "./cast.js";
import { doAddArtifact, doListArtifacts } from "./artifact-clients.js";
import { doPatch } from "./clients.js";
import type { Scenario } from "./explore.js";
import { doClaim } from "./queue-clients.js";
import type { Actor, Self } from "./run.js";
import { PRODUCT } from "./run.js";
import { ONE_CRASH, scenario } from "./scenario.js";

const adds = (name = "f1 adds", sizeBytes = 1, key?: string): Actor =>
  actor(name, (self) => doAddArtifact(self, A, f1, "log", sizeBytes, key));
const lists = (name: string): Actor =>
  actor(name, async (self) => {
    await doListArtifacts(self, A);
    await doListArtifacts(self, A);
  });
const LOG = { productId: PRODUCT, jobId: A, leaseEpoch: 1, name: "log" };
const uploads = actor("f1 uploads", (self) => self.upload(LOG, "hello"));

/** Job a is held by f1, which has added a log. */
async function added(self: Self): Promise<void> {
  await owned(self);
  await doAddArtifact(self, A, f1, "log", 1);
}

/** The same, and has uploaded it. */
async function uploaded(self: Self): Promise<void> {
  await added(self);
  await self.upload(LOG, "hello");
}

/** The same, but whoever added it died before the pointer was stored. */
async function halfAdded(self: Self): Promise<void> {
  await uploaded(self);
  const pointer = await self.fleet.artifacts.get(A, `${A}:1:log`);
  if (pointer !== undefined) await self.fleet.artifacts.deleteIfMatch(A, pointer);
}

export const ARTIFACTS: readonly Scenario[] = [
  scenario("artifact ∥ reap", owned, [adds(), reaps(), time]),
  scenario("artifact ∥ release", owned, [adds(), releases()]),
  scenario("artifact ∥ ship", owned, [adds(), ships()], ONE_CRASH),
  scenario("artifact ∥ its own duplicate", owned, [adds(), adds("f1 adds again")]),
  scenario("artifact ∥ its own duplicate, one key", owned, [
    adds("f1 adds", 1, "k"),
    adds("f1 adds again", 1, "k"),
  ]),
  scenario("one name of an artifact, said to be two things", owned, [adds(), adds("f1 adds another", 2)]),
  scenario("artifact, then what empties the outbox, then the artifact again", owned, [
    actor("f1 works", async (self) => {
      await doAddArtifact(self, A, f1, "log", 1);
      await doPatch(self, A, f1, { stage: "building" });
      await doPatch(self, A, f1, { stage: "testing" });
      await doAddArtifact(self, A, f1, "log", 1);
    }),
  ]),
  scenario(
    "a zombie's artifact ∥ the next owner's of the same name",
    reaped,
    [
      adds("f1, a zombie"),
      actor("f2 takes over", async (self) => {
        const claimed = await doClaim(self, "f2");
        if (claimed.kind !== "claimed") return;
        const who = { factoryId: "f2", leaseEpoch: claimed.job.leaseEpoch };
        await doAddArtifact(self, A, who, "log", 1);
      }),
    ],
    ONE_CRASH,
  ),
  scenario(
    "a zombie's artifact, and the next owner's of the same name ∥ reap",
    async (self, advance) => {
      await added(self);
      advance(1000);
    },
    [
      adds("f1, a zombie", 2),
      reaps(),
      actor("f2 takes over", async (self) => {
        const claimed = await doClaim(self, "f2");
        if (claimed.kind !== "claimed") return;
        const who = { factoryId: "f2", leaseEpoch: claimed.job.leaseEpoch };
        await doAddArtifact(self, A, who, "log", 1);
      }),
    ],
    ONE_CRASH,
  ),
  scenario("another factory's artifact", owned, [
    actor("f2 guesses", (self) => doAddArtifact(self, A, { factoryId: "f2", leaseEpoch: 1 }, "log", 1)),
    adds(),
  ]),
  scenario("artifact ∥ list", overdue, [adds(), lists("reader"), reaps()], ONE_CRASH),
  scenario("list of what was uploaded", uploaded, [lists("reader")], ONE_CRASH),
  scenario("upload ∥ list ∥ list", added, [uploads, lists("reader 1"), lists("reader 2")]),
  scenario("list ∥ list of an artifact without its pointer", halfAdded, [
    lists("reader 1"),
    lists("reader 2"),
  ]),
  scenario("list of an artifact without its pointer ∥ claim by another", halfAdded, [
    lists("reader"),
    releases(),
    claims("f2"),
  ]),
];
