/** Planted bugs: every row of the table of tempting variants in docs/protocol.md, and writes that forget their condition. */
import { ADVANCE, CHANGE, LEASE, PATCH, REAP, RELEASE, RENEW, SUBMIT, SWEEP, WIN, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

/** The table of tempting variants, row by row. */
export const TEMPTING: readonly Mutant[] = [
  {
    name: "claim takes the lease first, then the job",
    edits: [
      {
        file: WIN,
        find: `  const changed = await changeJob<"won" | "lost">(fleet, {`,
        replace: `  const early = (await fleet.jobs.get(productId, jobId))?.doc;
  if (early === undefined || !isQueued(early)) return { kind: "lost" };
  const soon = toAssigned(early, { factoryId, engine: undefined, claimId: claim.name }, fleet.clock.now());
  await grantLease(fleet, soon, claim.leaseSeconds);
  const changed = await changeJob<"won" | "lost">(fleet, {`,
      },
      {
        file: WIN,
        find: `import { satisfies } from "./lanes.js";`,
        replace: `import { satisfies } from "./lanes.js";
import { grantLease } from "./lease-writes.js";`,
      },
    ],
  },
  mutant(
    "the reaper changes the job without revoking the lease",
    REAP,
    "if (decision.revoked || (await revokeLease(fleet, job.doc, lease))) return",
    "if (lease !== null) return",
  ),
  mutant(
    "the revocation leaves an older lease at its older epoch",
    LEASE,
    `    leaseEpoch: job.leaseEpoch,
    status: "expired",`,
    `    leaseEpoch: read?.doc.leaseEpoch ?? job.leaseEpoch,
    status: "expired",`,
  ),
  {
    name: "fencing is checked on the lease, then the job is written with its fresh etag",
    edits: [
      {
        file: PATCH,
        find: `  const { factoryId, leaseEpoch } = request;
  const changed`,
        replace: `  const { factoryId, leaseEpoch } = request;
  const lease = (await fleet.leases.get(jobId, jobId))?.doc;
  const holds = lease?.leaseEpoch === leaseEpoch && lease.holderFactoryId === factoryId && lease.status === "held";
  const changed`,
      },
      {
        file: PATCH,
        find: "judge: (job) => judgePatch(fleet, job, request, key !== undefined),",
        replace: `judge: (job) =>
      judgePatch(fleet, job, holds ? { ...request, leaseEpoch: job.leaseEpoch, factoryId: job.holderFactoryId ?? factoryId } : request, key !== undefined),`,
      },
    ],
  },
  mutant(
    "the reaper looks at leases only",
    SWEEP,
    "  await walk(sweep.owned, (job) => reapOne(job.productId, job.id));\n",
    "",
  ),
  mutant(
    "a renewal looks only at the lease",
    RENEW,
    `    if (extended === "again") continue;`,
    `    if (extended === "again") continue;
    if (extended !== "not_held" && request.leaseEpoch > 0) return { kind: "renewed", lease: extended, directive: CONTINUE };`,
  ),
  {
    name: "release writes the lease first",
    edits: [
      {
        file: RELEASE,
        find: `  const changed = await`,
        replace: `  const first = (await fleet.jobs.get(productId, jobId))?.doc;
  if (first !== undefined && fence(first, request).kind === "current") await settleLease(fleet, first, false);
  const changed = await`,
      },
      {
        file: RELEASE,
        find: `import type { Fleet } from "./fleet.js";`,
        replace: `import type { Fleet } from "./fleet.js";
import { settleLease } from "./lease-writes.js";`,
      },
    ],
  },
  mutant(
    "fenced is answered from an old read",
    PATCH,
    `  const { factoryId, leaseEpoch } = request;
  const changed`,
    `  const { factoryId, leaseEpoch } = request;
  const owned = await fleet.jobs.sweep("owned", "", 100);
  const directive: Directive = { action: "stop", reason: "lease_lost" };
  if (!owned.some(({ id }) => id === jobId)) {
    return { kind: "lease_not_held", currentEpoch: leaseEpoch, stage: "queued", directive };
  }
  const changed`,
  ),
  {
    name: "operation ids are remembered without their owner",
    edits: [
      {
        file: CHANGE,
        find: `[scope.route, scope.factoryId ?? "", scope.leaseEpoch ?? 0, ...key]`,
        replace: `[scope.route, ...key]`,
      },
      {
        file: CHANGE,
        find: "    body: short(hashJson(body)),",
        replace: `    body: short(hashJson(typeof body === "object" ? { ...body, factoryId: "", leaseEpoch: 0 } : body)),`,
      },
      {
        file: ADVANCE,
        find: "queued.recentOps.filter(({ survivesClaim }) => survivesClaim),",
        replace: "queued.recentOps,",
      },
      {
        file: PATCH,
        find: `    leaseEpoch,
    storeEvents`,
        replace: `    storeEvents`,
      },
    ],
    shownBy: "ship under a key ∥ reap and the next owner",
  },
];

export const CONDITIONAL: readonly Mutant[] = [
  mutant(
    "a lost race is overwritten with a fresh etag",
    CHANGE,
    `    const outcome = await fleet.jobs.replaceIfMatch(read, doc);`,
    `    let outcome = await fleet.jobs.replaceIfMatch(read, doc);
    if (outcome.kind === "etag_mismatch") {
      const again = await fleet.jobs.get(doc.productId, doc.id);
      if (again !== undefined) outcome = await fleet.jobs.replaceIfMatch(again, doc);
    }`,
  ),
  mutant(
    "a write without an answer counts as done",
    CHANGE,
    `if (error instanceof StoreUnavailable) return { kind: "outcome_unknown" };`,
    `if (error instanceof StoreUnavailable) return { kind: "written", job: { doc, etag: read.etag } };`,
  ),
  mutant(
    "a lease write without an answer counts as done",
    LEASE,
    "return found !== undefined && sameJson(found.doc, next) ?",
    "return found !== undefined ?",
  ),
  mutant(
    "a create without an answer counts as done",
    SUBMIT,
    `if (error instanceof StoreUnavailable) return { kind: "unknown", outage: error };`,
    `if (error instanceof StoreUnavailable) return { kind: "created", job: { doc, etag: "1" } };`,
  ),
  mutant(
    "a create that found the key taken counts as done",
    SUBMIT,
    `: { kind: "taken" };`,
    `: { kind: "created", job: { doc, etag: "1" } };`,
  ),
  mutant(
    "the reaper writes what it read earlier",
    REAP,
    `      const stillThere = isOwned(job) && job.leaseEpoch === owned.leaseEpoch;
      if (!stillThere) return { kind: "settled", answer: false };
      return { kind: "write", next: toTakenBack(job,`,
    `      if (job.leaseEpoch !== owned.leaseEpoch) return { kind: "settled", answer: false };
      return { kind: "write", next: toTakenBack({ ...owned, outbox: job.outbox, eventSeq: job.eventSeq },`,
  ),
  mutant(
    "a retried claim claims again what it already has",
    WIN,
    "if (!isQueued(job) || !isClaimable",
    `if (isOwned(job) && job.holderFactoryId === factoryId) {
        const again = toAssigned({ ...job, stage: "queued" }, { factoryId, engine: undefined, claimId: claim.name }, nowMs);
        return { kind: "write", next: again, answer: "won" };
      }
      if (!isQueued(job) || !isClaimable`,
  ),
  mutant(
    "a claim does not look whether the job is still queued",
    WIN,
    "      if (!isQueued(job) || !isClaimable(job, claim.factory, nowMs))",
    `      const looksQueued = (some: Job): some is Parameters<typeof toAssigned>[0] => some.stage !== "shipped";
      if (!looksQueued(job) || !isClaimable(job, claim.factory, nowMs))`,
  ),
];
