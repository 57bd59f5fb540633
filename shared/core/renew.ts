/**
 * Renew: the holder goes on holding.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | N1 read the lease: `held` at this epoch by this holder | nothing happened |
 * | N2 conditional write of expiresAt, renewals + 1 | the lease is longer, which harms nobody: the job decides |
 * | N3 **the job**: still owned at this epoch? Only then OK. With insights it is one write that asks and records | – |
 *
 * N3 is what makes the OK true: a lease can be renewed an instant after the job went to another. A
 * lease that ran out but was not revoked may be renewed, since nobody else owns the job. What a
 * refusal says comes from the job, too: the lease alone never decides that a worker lost.
 */
import type { HeldLease } from "../schema/lease.js";
import type { Insights } from "../schema/insights.js";
import type { RenewRequest } from "../schema/requests.js";
import type { Directive } from "../schema/wire.js";
import { afterWrite } from "./after-write.js";
import { backOff, changeJob, operation } from "./change-job.js";
import { CONTINUE, fence, fenced } from "./fence.js";
import type { Fenced, Identity } from "./fence.js";
import type { Fleet } from "./fleet.js";
import { mergeInsights } from "./insights.js";
import { extendLease, isHeldBy } from "./lease-writes.js";
import { sameJson } from "./hash.js";
import { StoreUnavailable } from "./ports/store.js";

/** Tries against a claim that is just taking the lease, a reaper, or lost answers. */
const RENEW_TRIES_MAX = 8;

export type Renewed =
  { kind: "renewed"; lease: HeldLease; directive: Directive } | Fenced | { kind: "not_found" };

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
  const read = await fleet.leases.get(jobId, jobId);
  // A container keyed by job would show a foreign product's lease.
  if (read?.doc.productId !== productId || !isHeldBy(read.doc, request)) return "not_held";
  const { doc, etag } = read;
  const leaseSeconds = request.leaseSeconds ?? doc.leaseSeconds;
  return (await extendLease(fleet, { doc, etag }, leaseSeconds)) ?? "again";
}

/** N3. Reports without news cost a read, as a renewal without a report does. */
async function stillOwned(
  fleet: Fleet,
  productId: string,
  jobId: string,
  who: Identity,
  report: Insights | undefined,
) {
  const changed = await changeJob<ReturnType<typeof fence>>(fleet, {
    productId,
    jobId,
    operation: operation(fleet, { route: "renew", factoryId: who.factoryId, leaseEpoch: who.leaseEpoch }, {}),
    storeEvents: "when_half_full",
    judge: (job) => {
      const verdict = fence(job, who);
      if (verdict.kind !== "current") return { kind: "refused", answer: verdict };
      const run = verdict.job.run;
      const insights = mergeInsights(run?.insights ?? {}, report);
      if (run === undefined || sameJson(insights, run.insights)) return { kind: "settled", answer: verdict };
      return { kind: "write", next: { ...job, run: { ...run, insights } }, answer: verdict };
    },
    repeated: (job) => fence(job, who),
  });
  if (changed.kind === "not_found") return { kind: "not_found" } as const;
  if (changed.kind === "idempotency_conflict") throw new Error("a renewal's operation is never repeated");
  return changed.answer;
}
