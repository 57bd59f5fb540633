/**
 * Renew: the holder goes on holding.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | N1 read the lease, or remember it: `held` at this epoch by this holder | nothing happened |
 * | N2 conditional write of expiresAt, renewals + 1 | the lease is longer, which harms nobody: the job decides |
 * | N3 **the job**: still owned at this epoch? Only then OK. With insights it is one write that asks and records; where they exhaust the budget, it ends the job | the report counts; of a job that it ended the sweep does the rest |
 *
 * N3 is what makes the OK true: a lease can be renewed an instant after the job went to another. A
 * lease that ran out but was not revoked may be renewed, since nobody else owns the job. What a
 * refusal says comes from the job, too: the lease alone never decides that a worker lost.
 */
import type { HeldLease, Lease } from "../schema/lease.js";
import { SCHEMA_VERSION } from "../schema/limits.js";
import type { Insights } from "../schema/insights.js";
import type { RenewRequest } from "../schema/requests.js";
import type { Directive } from "../schema/wire.js";
import { afterWrite } from "./after-write.js";
import type { Job, OwnedJob } from "../schema/job.js";
import { isOverBudget } from "./budget.js";
import { backOff, changeJob, operation } from "./change-job.js";
import { toOverBudget } from "./endings.js";
import { CONTINUE, STOP_OVER_BUDGET, fence, fenced } from "./fence.js";
import type { Fenced, Identity } from "./fence.js";
import { finish } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { mergeInsights } from "./insights.js";
import { recordLateReport } from "./late-report.js";
import { extendLease, isHeldBy, rememberLease } from "./lease-writes.js";
import { sameJson } from "./hash.js";
import { StoreUnavailable } from "./ports/store.js";
import type { Stored } from "./ports/store.js";

/** Tries against a claim that is just taking the lease, a reaper, or lost answers. */
const RENEW_TRIES_MAX = 8;

export type Renewed =
  { kind: "renewed"; lease: Lease; directive: Directive } | Fenced | { kind: "not_found" };

/** Extends the lease from now on, by `leaseSeconds` or the length it had. */
export async function renew(
  fleet: Fleet,
  productId: string,
  jobId: string,
  request: RenewRequest,
): Promise<Renewed> {
  for (let attempt = 0; attempt < RENEW_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    // From the second try on, a write of the lease may have happened.
    const extend = (): ReturnType<typeof extendOwn> => extendOwn(fleet, productId, jobId, request);
    const extended = await (attempt === 0 ? extend() : afterWrite(extend));
    if (extended === "again") continue;
    const verdict = await afterWrite(() => stillOwned(fleet, productId, jobId, request, request.insights));
    if (verdict.kind === "over_budget") {
      // The report counted, though a reaper may have revoked the lease just before: so it is no refusal.
      const lease = extended === "not_held" ? await leaseAsItIs(fleet, verdict.job) : extended;
      return { kind: "renewed", lease: { ...lease, status: "released" }, directive: STOP_OVER_BUDGET };
    }
    if (verdict.kind !== "current") return verdict;
    if (extended !== "not_held") return { kind: "renewed", lease: extended, directive: CONTINUE };

    // The job is this worker's. Its lease was revoked, or a claim is about to take it.
    const lease = (await afterWrite(() => fleet.leases.get(jobId, jobId)))?.doc;
    const revoked = lease?.leaseEpoch === request.leaseEpoch && lease.status !== "held";
    if (revoked) return fenced("lease_not_held", verdict.job);
  }
  throw new StoreUnavailable(`${RENEW_TRIES_MAX} tries lost on the lease of job ${jobId}`);
}

/** N1 and N2. `again`: somebody else wrote the lease, or nobody knows. */
async function extendOwn(
  fleet: Fleet,
  productId: string,
  jobId: string,
  request: RenewRequest,
): Promise<HeldLease | "not_held" | "again"> {
  // What this instance wrote last saves the reading: the write's etag is the proof that it still is so. If
  // it is not, the next try reads.
  const remembered = fleet.heldLeases.get(jobId);
  fleet.heldLeases.delete(jobId);
  const own = ownLease(remembered, productId, request);
  const read = own ?? ownLease(await fleet.leases.get(jobId, jobId), productId, request);
  if (read === undefined) return "not_held";
  const extended = await extendLease(fleet, read, request.leaseSeconds ?? read.doc.leaseSeconds);
  if (extended === undefined) return "again";
  rememberLease(fleet, extended);
  return extended.doc;
}

/** The lease, if it is held by this worker. A container keyed by job would show a foreign product's, too. */
function ownLease(
  read: Stored<Lease> | undefined,
  productId: string,
  who: Identity,
): Stored<HeldLease> | undefined {
  if (read?.doc.productId !== productId || !isHeldBy(read.doc, who)) return undefined;
  return { doc: read.doc, etag: read.etag };
}

/** The lease of a job whose holder was just stopped, to show it; made up where there is none. */
async function leaseAsItIs(fleet: Fleet, { id, productId, leaseEpoch }: Job): Promise<Lease> {
  const found = await afterWrite(() => fleet.leases.get(id, id));
  const none = { id, productId, schemaVersion: SCHEMA_VERSION, jobId: id, leaseEpoch, renewals: 0 };
  return found?.doc ?? { ...none, status: "released" };
}

type StillOwned = ReturnType<typeof fence> | { kind: "over_budget"; job: Job };

/**
 * N3. Reports without news cost a read, as a renewal without a report does. Where the job's budget is
 * exhausted, by this report or by time, this is the call that ends it.
 */
async function stillOwned(
  fleet: Fleet,
  productId: string,
  jobId: string,
  who: Identity,
  report: Insights | undefined,
) {
  const changed = await changeJob<StillOwned>(fleet, {
    productId,
    jobId,
    operation: operation(fleet, { route: "renew", factoryId: who.factoryId, leaseEpoch: who.leaseEpoch }, {}),
    storeEvents: "when_half_full",
    judge: (job) => {
      const verdict = fence(job, who);
      if (verdict.kind !== "current") return { kind: "refused", answer: verdict };
      const run = verdict.job.run;
      const insights = mergeInsights(run?.insights ?? {}, report);
      const next: OwnedJob = { ...verdict.job, ...(run === undefined ? {} : { run: { ...run, insights } }) };
      const nowMs = fleet.clock.now();
      if (isOverBudget(next, nowMs)) {
        const over = toOverBudget(next, {}, nowMs);
        return { kind: "write", next: over, answer: { kind: "over_budget", job: over } };
      }
      if (run === undefined || sameJson(insights, run.insights)) return { kind: "settled", answer: verdict };
      return { kind: "write", next, answer: verdict };
    },
    repeated: (job) => endedOverBudget(job, who) ?? fence(job, who),
  });
  if (changed.kind === "not_found") return { kind: "not_found" } as const;
  if (changed.kind === "idempotency_conflict") throw new Error("a renewal's operation is never repeated");
  if (changed.answer.kind === "over_budget") await finish(fleet, changed.job);
  else if (changed.answer.kind !== "current") await recordLateReport(fleet, changed.job.doc, who, report);
  return changed.answer;
}

/** The job, if it ended over its budget while this worker held it. */
function endedOverBudget(job: Job, who: Identity): { kind: "over_budget"; job: Job } | undefined {
  const ended =
    job.stage === "failed" &&
    job.failure?.kind === "over_budget" &&
    job.leaseEpoch === who.leaseEpoch &&
    job.holderFactoryId === who.factoryId;
  return ended ? { kind: "over_budget", job } : undefined;
}
