/** Planted bugs: how jobs end and come back, and what they cost. */
import { DEPS, LEASE, PATCH, REAP, RENEW, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

const CANCEL = "core/cancel.ts";
const REDRIVE = "core/redrive.ts";
const ENDING = "core/endings.ts";
const BUDGET = "core/budget.ts";
const LATE = "core/late-report.ts";
const HEARTBEAT = "core/heartbeat.ts";

export const ENDINGS: readonly Mutant[] = [
  mutant(
    "a cancel changes the job without revoking the lease",
    CANCEL,
    "if (isOwned(job) && job.leaseEpoch !== fencedOff?.leaseEpoch)",
    "if (isOwned(job) && job.leaseEpoch < 0 && fencedOff === undefined)",
    "cancel ∥ claim",
  ),
  mutant(
    "a cancel takes the revocation of an epoch for that of the next",
    CANCEL,
    "if (isOwned(job) && job.leaseEpoch !== fencedOff?.leaseEpoch)",
    "if (isOwned(job) && fencedOff === undefined)",
    "cancel ∥ release and claim by another",
  ),
  mutant(
    "a cancel undoes what has shipped",
    CANCEL,
    "if (isFinalStage(job.stage)) {",
    `if (isFinalStage(job.stage) && job.stage !== "shipped") {`,
  ),
  mutant(
    "a cancelled owner keeps its epoch",
    ENDING,
    "    leaseEpoch: owned.leaseEpoch + 1,\n",
    "    leaseEpoch: owned.leaseEpoch,\n",
  ),
  mutant(
    "a redrive takes whatever is final",
    REDRIVE,
    `(job.stage !== "failed" && job.stage !== "dead_letter")`,
    `(job.stage !== "failed" && job.stage !== "dead_letter" && job.stage !== "shipped" && job.stage !== "queued")`,
    "what has shipped ∥ its redrive",
  ),
  mutant("a redrive keeps the attempts", ENDING, "    attempt: 0,\n", ""),
  mutant(
    "a redrive queues a job before its deps are judged",
    ENDING,
    "    stage: entryStage(ended.deps),",
    `    stage: "queued",`,
    "redrive",
  ),
  mutant(
    "one attempt too many",
    ENDING,
    "if (owned.attempt >= attemptsMax(owned))",
    "if (owned.attempt > attemptsMax(owned))",
  ),
  mutant(
    "a job whose factories die goes round for ever",
    REAP,
    "return owned.attempt >= attemptsMax(owned) ? toPutAside",
    "return owned.attempt > attemptsMax(owned) ? toPutAside",
  ),
  mutant(
    "a retry of whatever failed",
    ENDING,
    "(retry.on.length > 0 && !retry.on.includes(kind))",
    "(retry.on.length > 64 && !retry.on.includes(kind))",
  ),
  mutant(
    "a failure takes its attempt back, as a release does",
    ENDING,
    "    notBefore,\n  };",
    "    notBefore,\n    attempt: owned.attempt - 1,\n  };",
  ),
  mutant(
    "a renewal records the money and lets the job go on",
    RENEW,
    "if (isOverBudget(next, nowMs)) {",
    "if (isOverBudget(verdict.job, nowMs)) {",
  ),
  mutant(
    "the budget counts the present run alone",
    BUDGET,
    "? sum(ended, spentByRun(job, nowMs)) : ended",
    "? spentByRun(job, nowMs) : ended",
  ),
  mutant(
    "reports are added up instead of merged",
    "core/insights.ts",
    "Math.max(before, value)",
    "before + value",
  ),
  mutant(
    "a released run is not billed",
    "core/advance.ts",
    `    ...withRunBilled(owned, nowMs),
    stage: entryStage(owned.deps),
    attempt`,
    `    stage: entryStage(owned.deps),
    attempt`,
  ),
  mutant(
    "a late report is lost while its run is not closed",
    LATE,
    "    await closeRunOfEpoch(fleet, job, who.leaseEpoch);",
    "    if (stored === undefined) return undefined;",
  ),
  mutant(
    "a late report opens its run again",
    LATE,
    "{ ...stored.doc, ...superseded, insights, uncounted: true }",
    "{ ...stored.doc, endedAt: undefined, ...superseded, insights, uncounted: true }",
  ),
  mutant(
    "a fenced worker's money is not recorded",
    RENEW,
    `else if (changed.answer.kind !== "current") await`,
    `else if (changed.answer.kind === "not_holder") await`,
  ),
  mutant(
    "whoever reports last is the factory's present boot",
    HEARTBEAT,
    "return bootId !== undefined && formerBootIds?.includes(bootId) === true;",
    `return bootId === "" && formerBootIds?.includes(bootId) === true;`,
    "a factory starts anew",
  ),
  mutant(
    "a new boot takes back whatever its factory holds",
    HEARTBEAT,
    "bootId !== undefined && formerBootIds.includes(bootId);",
    "bootId !== undefined && (formerBootIds.includes(bootId) || factory.bootId !== undefined);",
    "a factory starts anew",
  ),
  mutant(
    "what a former boot held is taken by its id, whoever holds it now",
    REAP,
    `if (!isOwned(job) || job.bootId !== bootId) return { kind: "alive" };`,
    `if (!isOwned(job) || bootId === "") return { kind: "alive" };`,
    "a factory starts anew",
  ),
  mutant(
    "a dependant fails before its dependency has",
    DEPS,
    "const lost = missing.find(({ stage }) => isFinalStage(stage));",
    "const lost = missing[0];",
    "a dependency fails, and all who wait",
  ),
  mutant(
    "a failed dependant is not marked as unfinished",
    ENDING,
    `const ended: Job = { ...omit(blocked, "blockedBy"), stage: "failed", failure, dirty: true };`,
    `const ended: Job = { ...omit(blocked, "blockedBy"), stage: "failed", failure };`,
  ),
  mutant(
    "a patch that fails the job forgets what it cost",
    PATCH,
    "if (isOverBudget(next, nowMs)) return toOverBudget",
    "if (isOverBudget(owned, nowMs)) return toOverBudget",
    "a patch exhausts the budget",
  ),
  mutant(
    "a revocation by a cancel is left at an older epoch",
    LEASE,
    '    leaseEpoch: job.leaseEpoch,\n    status: "expired",',
    '    leaseEpoch: read?.doc.leaseEpoch ?? job.leaseEpoch,\n    status: "expired",',
  ),
];
