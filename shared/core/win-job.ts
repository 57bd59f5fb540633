/**
 * C0 and C1 of a claim: from the heads of the lanes that the factory satisfies to the one write that
 * decides who gets the job. The steps and what a death after each leaves are told in claim.ts.
 */
import type { Factory } from "../schema/factory.js";
import type { Job, OwnedJob } from "../schema/job.js";
import { toInstant } from "../schema/primitives.js";
import type { Profile } from "../schema/profile.js";
import { isOwned, isQueued, toAssigned } from "./advance.js";
import type { Search } from "./candidates.js";
import { changeJob, operation } from "./change-job.js";
import type { Fleet } from "./fleet.js";
import { satisfies } from "./lanes.js";
import { resolveProfile } from "./profiles.js";

/** Windows of candidates tried. So many lost in a row means a stampede: better to come back later. */
const CLAIM_WINDOWS_MAX = 8;

export interface Claim {
  readonly factory: Factory;
  /** The claim's name on the job: factory and claim id. "/" is in neither. */
  readonly name: string | undefined;
  readonly leaseSeconds: number;
  /** The version of a profile that the last candidate would be worked on with; read before the job is written. */
  profile?: Profile | undefined;
  /** Candidates that others got before this claim. */
  races: number;
}

/**
 * C0 and C1. `no_candidate`: nothing waits that the factory can take. `all_lost`: something does, and others
 * got it, or are about to.
 */
export async function winOne(
  fleet: Fleet,
  claim: Claim,
  search: Search,
): Promise<OwnedJob | "no_candidate" | "all_lost"> {
  for (;;) {
    const jobId = await search.next(CLAIM_WINDOWS_MAX);
    if (jobId === undefined) return search.foundAny ? "all_lost" : "no_candidate";
    const won = await tryClaim(fleet, claim, jobId);
    if (won.kind === "won") return won.job;
    if (won.kind === "over") return "all_lost";
    search.lost(won.winner);
    claim.races++;
  }
}

type Tried =
  | { kind: "won"; job: OwnedJob }
  /** Another got it: the instance that gave it away, where the job says so. */
  | { kind: "lost"; winner?: string | undefined }
  /** It was ours, and is over already. One claim takes one job, so it does not walk on. */
  | { kind: "over" };

/** C1 on one candidate. */
async function tryClaim(fleet: Fleet, claim: Claim, jobId: string): Promise<Tried> {
  const { productId, factoryId } = claim.factory;
  const changed = await changeJob<"won" | "lost">(fleet, {
    productId,
    jobId,
    operation: operation(fleet, { route: "claim", factoryId }, {}),
    storeEvents: "when_half_full",
    judge: async (job) => {
      const nowMs = fleet.clock.now();
      if (!isQueued(job) || !isClaimable(job, claim.factory, nowMs))
        return { kind: "refused", answer: "lost" };
      const engine = job.engineClass ?? claim.factory.engines[0];
      // Before the write: once the job is claimed, nothing that may fail stands before its answer.
      claim.profile =
        job.profile === undefined ? undefined : await resolveProfile(fleet, productId, job.profile);
      if (job.profile !== undefined && claim.profile === undefined)
        return { kind: "refused", answer: "lost" };
      const profile = claim.profile?.id;
      const { bootId } = claim.factory;
      const via = fleet.instance;
      const claimer = { factoryId, engine, profile, claimId: claim.name, bootId, via };
      return { kind: "write", next: toAssigned(job, claimer, nowMs), answer: "won" };
    },
    repeated: () => "won",
  });
  if (changed.kind === "not_found") return { kind: "lost" };
  if (changed.kind === "idempotency_conflict" || changed.answer === "lost")
    return { kind: "lost", winner: changed.job.doc.run?.via };
  const job = changed.job.doc;
  // No longer owned: after a lost answer, if finding out took long.
  return isOwned(job) ? { kind: "won", job } : { kind: "over" };
}

/** Whether this factory can take the job now: what its lane says, on the document itself. */
function isClaimable(job: Job, factory: Factory, nowMs: number): boolean {
  return (job.notBefore === undefined || job.notBefore <= toInstant(nowMs)) && satisfies(factory, job);
}
