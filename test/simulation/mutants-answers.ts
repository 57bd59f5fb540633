/** Planted bugs: answers that are not true, and what belongs to another. */
import { ADVANCE, CHANGE, CLAIM, RENEW, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

export const ANSWERS: readonly Mutant[] = [
  mutant(
    "a claim forgets the submission that made its job",
    ADVANCE,
    "queued.recentOps.filter(({ survivesClaim }) => survivesClaim),",
    "queued.recentOps.slice(64),",
  ),
  mutant(
    "a repetition of a claim gives back a job that it did not win",
    CLAIM,
    `if (how === "won" && (await withdrawLease(fleet, grant.lease)))`,
    `if (how !== undefined) await withdrawLease(fleet, grant.lease);
    if (how !== undefined)`,
  ),
  mutant(
    "a job is given back under a lease that another was granted",
    CLAIM,
    `if (how === "won" && (await withdrawLease(fleet, grant.lease)))`,
    `if (how === "won" && ((await withdrawLease(fleet, grant.lease)) || job.id !== ""))`,
  ),
  mutant(
    "throttled after a write is passed on as not done",
    "core/after-write.ts",
    "if (error instanceof StoreThrottled)",
    `if (error instanceof StoreThrottled && error.message === "")`,
  ),
  mutant(
    "throttled after an unknown outcome is passed on as not done",
    CHANGE,
    "if (progress.outcomeUnknown && error instanceof StoreThrottled) throw",
    `if (progress.outcomeUnknown && error instanceof StoreThrottled && error.message === "") throw`,
  ),
  mutant(
    "a refusal is given though the write may be on its way",
    CHANGE,
    "if (progress.outcomeUnknown) throw whetherItHappenedIsUnknown();",
    "if (progress.outcomeUnknown && job.etag === undefined) throw whetherItHappenedIsUnknown();",
  ),
  mutant(
    "a key stands for whatever body came with it first",
    CHANGE,
    "if (answersStill && before?.body === change.operation.body) {",
    "if (answersStill && before !== undefined) {",
  ),
  mutant(
    "a renewal forgets what was reported",
    RENEW,
    `return { kind: "write", next: { ...job, run: { ...run, insights } }, answer: verdict };`,
    `return { kind: "settled", answer: verdict };`,
  ),
  mutant(
    "a renewal writes the lease of another product",
    RENEW,
    "read?.doc.productId !== productId || !isHeldBy",
    "read === undefined || !isHeldBy",
  ),
  mutant(
    "a seat is counted that is free",
    CLAIM,
    "if (seatsTaken >= factory.seatLimit)",
    "if (seatsTaken + 1 >= factory.seatLimit)",
  ),
];
