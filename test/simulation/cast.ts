/** Who plays in the scenarios, and where they begin: each actor makes one call, most of them on job a. */
import { isOwned } from "../../shared/core/advance.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { revokeLease } from "../../shared/core/lease-writes.js";
import { reap } from "../../shared/core/reap.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { beat, doPatch, doRelease, doRenew } from "./clients.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import { PRODUCT } from "./run.js";
import type { Actor, Self } from "./run.js";

export const A = jobIdOf(PRODUCT, "a");
export const B = jobIdOf(PRODUCT, "b");
export const f1 = { factoryId: "f1", leaseEpoch: 1 };
const OVER_SECONDS = 1000;

export const actor = (name: string, act: Actor["act"]): Actor => ({ name, act });
export const time: Actor = { ...actor("time", (self) => self.passTime(OVER_SECONDS)), isClock: true };
export const claims = (factoryId: string, claimId?: string): Actor =>
  actor(`${factoryId} claims${claimId ? ` as ${claimId}` : ""}`, (self) => doClaim(self, factoryId, claimId));
export const reaps = (name = "reaper", jobId = A): Actor =>
  actor(name, (self) => reap(self.fleet, PRODUCT, jobId));
export const sweeps = (name = "sweeper"): Actor =>
  actor(name, (self) => reapAndSweep(self.fleet, startSweep(self.fleet)));
export const ships = (key?: string): Actor =>
  actor("f1 ships", (self) => doPatch(self, A, f1, { stage: "shipped" }, key));
export const renews = (turns?: number): Actor => actor("f1 renews", (self) => doRenew(self, A, f1, turns));
export const releases = (key?: string): Actor =>
  actor("f1 releases", (self) => doRelease(self, A, f1, "w1", key));
export const submits = (name: string, key: string, given: object = {}): Actor =>
  actor(name, (self) => doSubmit(self, key, given));
export const checkpoints = (wipCommit: string): Actor =>
  actor(`f1 saves ${wipCommit}`, (self) =>
    doPatch(self, A, f1, { stage: "building", checkpoint: { wipCommit } }),
  );

export async function factories(self: Self): Promise<void> {
  await beat(self, "f1");
  await beat(self, "f2");
  await beat(self, "f3");
}

/** Two factories, and job a in the queue. */
export async function queued(self: Self): Promise<void> {
  await factories(self);
  await doSubmit(self, "a");
}

/** Job a is held by f1 at epoch 1. */
export async function owned(self: Self): Promise<void> {
  await queued(self);
  await doClaim(self, "f1", "first");
}

/** Job a is held by f1; b waits for it. */
export async function withDependant(self: Self, depsMode: "hard" | "soft" = "hard"): Promise<void> {
  await owned(self);
  await doSubmit(self, "b", { deps: [A], depsMode });
}

/** The second call begins when the first was answered: what was true before that is no excuse for it. */
export const renewsTwice = actor("f1 renews twice", async (self) => {
  await doRenew(self, A, f1);
  await doRenew(self, A, f1);
});

/** Job a is held by f1; c waits for it and for b, which is in the queue. */
export async function twoDeps(self: Self): Promise<void> {
  await owned(self);
  await doSubmit(self, "b");
  await doSubmit(self, "c", { deps: [A, B] });
}

/** Job b, whose dependency a has shipped, is held by f1. */
export async function ownedDependant(self: Self): Promise<void> {
  await withDependant(self);
  await doPatch(self, A, f1, { stage: "shipped" });
  await doClaim(self, "f1");
}

/** Jobs a and b in the queue. */
export async function twoQueued(self: Self): Promise<void> {
  await queued(self);
  await doSubmit(self, "b");
}

type Advance = (seconds: number) => void;

/** Job a is held by f1, whose lease is over. */
export async function overdue(self: Self, advance: Advance): Promise<void> {
  await owned(self);
  advance(OVER_SECONDS);
}

/** Job a was held by f1 at epoch 1, and is back in the queue at epoch 2. */
export async function reaped(self: Self, advance: Advance): Promise<void> {
  await overdue(self, advance);
  await reap(self.fleet, PRODUCT, A);
}

/** Job b, whose dependency a has shipped, is held by f1, whose lease is over. */
export async function overdueDependant(self: Self, advance: Advance): Promise<void> {
  await ownedDependant(self);
  advance(OVER_SECONDS);
}

/** Job a was held by f1 at epoch 1 and given back: an old lease lies there. */
export async function queuedAgain(self: Self): Promise<void> {
  await owned(self);
  await doRelease(self, A, f1);
}

/** Job a is held by f1, and its reaper died after the revocation. */
export async function revoked(self: Self, advance: Advance): Promise<void> {
  await overdue(self, advance);
  const [job, lease] = [await self.fleet.jobs.get(PRODUCT, A), await self.fleet.leases.get(A, A)];
  if (job !== undefined && isOwned(job.doc)) await revokeLease(self.fleet, job.doc, lease);
}

/** Job a has shipped, and whoever shipped it died right after that; b waits for it. */
export async function undone(self: Self): Promise<void> {
  await withDependant(self);
  const before = await self.fleet.leases.get(A, A);
  await doPatch(self, A, f1, { stage: "shipped" });
  const job = await self.fleet.jobs.get(PRODUCT, A);
  if (job !== undefined) await self.fleet.jobs.replaceIfMatch(job, { ...job.doc, dirty: true });
  const lease = await self.fleet.leases.get(A, A);
  if (lease !== undefined && before !== undefined) await self.fleet.leases.replaceIfMatch(lease, before.doc);
}

/** Job a was claimed by f1 as "first", which died before it took the lease; its grace is over. */
export async function halfClaimed(self: Self, advance: Advance): Promise<void> {
  await overdue(self, advance);
  const lease = await self.fleet.leases.get(A, A);
  if (lease !== undefined) await self.fleet.leases.deleteIfMatch(A, lease);
}

/** The same at epoch 2, and the lease of epoch 1, which was given back, lies there still. */
export async function halfClaimedAgain(self: Self, advance: Advance): Promise<void> {
  await queuedAgain(self);
  const old = await self.fleet.leases.get(A, A);
  await doClaim(self, "f1", "second");
  const lease = await self.fleet.leases.get(A, A);
  if (old === undefined || lease === undefined) throw new Error("there is no lease");
  await self.fleet.leases.deleteIfMatch(A, lease);
  await self.fleet.leases.create(old.doc);
  advance(OVER_SECONDS);
}
