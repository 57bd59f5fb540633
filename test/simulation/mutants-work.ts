/** Planted bugs: epochs and owners, events, counting, content, dependencies, and what the sweep forgets. */
import {
  ADVANCE,
  CHANGE,
  CLAIM,
  DEPS,
  FENCE,
  LEASE,
  PATCH,
  REAP,
  RELEASE,
  SUBMIT,
  SWEEP,
  mutant,
} from "./mutant.js";
import type { Mutant } from "./mutant.js";

export const EPOCHS: readonly Mutant[] = [
  mutant(
    "an older epoch passes the fence",
    FENCE,
    "who.leaseEpoch !== job.leaseEpoch",
    "who.leaseEpoch > job.leaseEpoch",
  ),
  mutant(
    "the fence compares epochs the wrong way round",
    FENCE,
    "who.leaseEpoch !== job.leaseEpoch",
    "who.leaseEpoch < job.leaseEpoch",
  ),
  mutant(
    "the fence does not ask who holds the job",
    FENCE,
    "job.holderFactoryId !== who.factoryId",
    `who.factoryId === ""`,
  ),
  mutant(
    "a claim leaves the epoch as it is",
    ADVANCE,
    "leaseEpoch: queued.leaseEpoch + 1",
    "leaseEpoch: Math.max(1, queued.leaseEpoch)",
  ),
  mutant(
    "the reaper leaves the epoch as it is",
    ADVANCE,
    "leaseEpoch: owned.leaseEpoch + 1,",
    "leaseEpoch: owned.leaseEpoch,",
  ),
  mutant(
    "the reaper leaves the holder in place",
    ADVANCE,
    `  const rest = omit(owned, "holderFactoryId", "graceUntil", "run");
  const expired`,
    `  const rest = omit(owned, "graceUntil", "run");
  const expired`,
  ),
  mutant("a supersede begins at epoch 0", SUBMIT, "    leaseEpoch: job.leaseEpoch,", "    leaseEpoch: 0,"),
  mutant(
    "a grant overwrites its own revocation",
    LEASE,
    `      if (found.leaseEpoch === job.leaseEpoch && found.status !== "held") return { kind: "revoked" };\n`,
    "",
  ),
  mutant(
    "a grant overwrites a newer lease",
    LEASE,
    `      if (found.leaseEpoch > job.leaseEpoch) return { kind: "revoked" };\n`,
    "",
  ),
  mutant(
    "a zombie's last patch is taken for a repetition",
    PATCH,
    `    request.leaseEpoch === job.leaseEpoch &&
    request.factoryId === job.holderFactoryId &&
    REPORTED`,
    `    request.factoryId !== "" &&
    REPORTED`,
  ),
  mutant(
    "a duplicate of a claim keeps its own job",
    CLAIM,
    "  if (await hasDuplicate(fleet, claim, job)) {",
    `  if (claim.name === "" && (await hasDuplicate(fleet, claim, job))) {`,
  ),
  mutant(
    "a lease of a missing claim is over at once",
    REAP,
    `return passed(job.graceUntil) ? { kind: "over", revoked: false } : { kind: "alive" };`,
    `return { kind: "over", revoked: true };`,
  ),
];

export const EVENTS: readonly Mutant[] = [
  mutant(
    "events are stored before the commit",
    CHANGE,
    `  if (!keep) await storeEvents(fleet, read.doc, change.storeEvents === "runs_are_closed");`,
    "  await storeEvents(fleet, next, false);",
  ),
  mutant(
    "events are left out without having been stored",
    CHANGE,
    `  if (!keep) await storeEvents(fleet, read.doc, change.storeEvents === "runs_are_closed");\n`,
    "",
  ),
  mutant(
    "a full outbox is emptied, the new event with it",
    CHANGE,
    "outbox: keep ? next.outbox : added,",
    "outbox: keep ? next.outbox : added.slice(1),",
  ),
  mutant(
    "an event takes the number of the one before",
    ADVANCE,
    "seq: after.eventSeq + 1,",
    "seq: Math.max(1, after.eventSeq),",
  ),
  mutant("a move forgets its event", ADVANCE, "outbox: [...after.outbox, event],", "outbox: after.outbox,"),
  mutant(
    "a reader is shown events that are not true yet",
    "core/read-events.ts",
    "if (event.seq <= job.eventSeq) bySeq.set",
    "bySeq.set",
    "reader of events ∥ patches",
  ),
  mutant(
    "a reader is not shown the outbox",
    "core/read-events.ts",
    "[...stored.value, ...waiting]",
    "stored.value",
  ),
];

export const WORK: readonly Mutant[] = [
  mutant(
    "a claim is not counted",
    ADVANCE,
    "attempt: queued.attempt + 1",
    "attempt: Math.max(1, queued.attempt)",
  ),
  mutant("a release keeps its attempt", ADVANCE, "attempt: owned.attempt - 1", "attempt: owned.attempt"),
  mutant(
    "the reaper loses the checkpoint",
    ADVANCE,
    `const rest = omit(owned, "holderFactoryId", "graceUntil", "run");
  const expired`,
    `const rest = omit(owned, "holderFactoryId", "graceUntil", "run", "checkpoint");
  const expired`,
  ),
  mutant(
    "a release loses its checkpoint",
    RELEASE,
    "...(checkpoint === undefined ? {} : { checkpoint }),",
    "...(checkpoint === undefined || owned.checkpoint !== undefined ? {} : { checkpoint }),",
  ),
  mutant(
    "a late duplicate brings superseded content back",
    SUBMIT,
    "job.pastHashes.includes(contentHash)",
    "job.pastHashes.length > 63",
  ),
  mutant(
    "superseded content is forgotten",
    SUBMIT,
    "pastHashes: [...job.pastHashes, job.contentHash],",
    "pastHashes: job.pastHashes,",
  ),
  mutant(
    "a job in work is superseded",
    SUBMIT,
    `const open = job.stage === "queued" || job.stage === "blocked";`,
    `const open = job.stage !== "shipped";`,
  ),
  mutant(
    "a supersede may close a cycle",
    SUBMIT,
    "if (refusal !== undefined) return",
    `if (refusal !== undefined && job.deps.length > 64) return`,
  ),
  mutant(
    "a job's order ignores its deps",
    DEPS,
    "Math.max(Math.round(nowMs * 1000), ...deps.map((dep) => dep.order + 1))",
    "Math.max(Math.round(nowMs * 1000), ...deps.map((dep) => dep.order))",
  ),
  mutant(
    "a dependency counts before it has shipped",
    DEPS,
    "return satisfiesDependants(dep.stage, job.depsMode) ? []",
    `return dep.stage === "assigned" || satisfiesDependants(dep.stage, job.depsMode) ? []`,
  ),
  mutant(
    "one dependency of several is enough",
    DEPS,
    "if (missing.length === 0) {",
    "if (missing.length < job.deps.length) {",
  ),
  mutant(
    "a job with deps is queued before they are judged",
    ADVANCE,
    `deps.length === 0 ? "queued" : "blocked"`,
    `deps.length < 64 ? "queued" : "blocked"`,
  ),
];

export const SWEEPING: readonly Mutant[] = [
  mutant(
    "the sweep forgets dirty jobs",
    SWEEP,
    "if (job !== undefined) await finishDirty",
    "if (job === undefined) return;\n    if (job.doc.dirty === undefined) await finishDirty",
  ),
  mutant(
    "the sweep forgets blocked jobs",
    SWEEP,
    "  await walk(sweep.blocked, (job) => unblock(fleet, job));\n",
    "",
    "reap of a dependent ∥ its claim",
  ),
  mutant(
    "the sweep forgets open runs",
    SWEEP,
    "  await walk(sweep.openRuns, (run) => closeIfOver(fleet, run));\n",
    "",
  ),
  mutant(
    "the reaper leaves the lease of a released job",
    REAP,
    "      await settleLease(fleet, job.doc, false);\n",
    "",
  ),
];
