/** Planted bugs: answers that are not true, and what belongs to another. */
import { ADVANCE, CHANGE, CLAIM, LEASE, RENEW, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

/** A claim, its duplicate beside it and its repetition: three of one name. */
const THREE = "three of one named claim";

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
    `const mine = how === "won" && grant.first;
    if (mine && (await withdrawLease(fleet, grant.lease)))`,
    `await withdrawLease(fleet, grant.lease);
    if (how !== undefined)`,
    THREE,
  ),
  mutant(
    "a job is given back under a lease that another was granted",
    CLAIM,
    `if (mine && (await withdrawLease(fleet, grant.lease)))`,
    `if (mine && ((await withdrawLease(fleet, grant.lease)) || job.id !== ""))`,
    THREE,
  ),
  mutant(
    "a job is given back that a repetition was granted before",
    CLAIM,
    `const mine = how === "won" && grant.first;`,
    `const mine = how === "won";`,
    THREE,
  ),
  mutant(
    "a grant is not known by its call",
    LEASE,
    "const lease = { ...heldLease(job, leaseSeconds, fleet.clock.now()), grantId };",
    `const lease: HeldLease = heldLease(job, leaseSeconds, fleet.clock.now());`,
    "two of one named claim, an answer is lost",
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
    "release ∥ claim by another",
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
    `return { kind: "write", next, answer: verdict };`,
    `return { kind: "settled", answer: verdict };`,
  ),
  mutant(
    "a renewal writes the lease of another product",
    RENEW,
    "read?.doc.productId !== productId || !isHeldBy",
    "read === undefined || !isHeldBy",
    "a neighbour renews",
  ),
  mutant(
    "a seat is counted that is free",
    CLAIM,
    "if (seatsTaken >= factory.seatLimit)",
    "if (seatsTaken + 1 >= factory.seatLimit)",
  ),
];
