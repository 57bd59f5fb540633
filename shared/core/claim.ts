/**
 * Claim: the highest-priority, then oldest, job that this factory can take, for it alone.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | (claimId) a job claimed under this id? Still owned → go on at C2; else → `claim_ended` | nothing happened |
 * | C0 candidates by query: a hint | nothing happened |
 * | C1 **the job**, judged again: → `assigned`, epoch + 1. This one write decides who wins | the same claimId goes on at C2; otherwise the reaper sees a lease older than the job, and the grace over |
 * | C2 the lease → `held` at this epoch. Found revoked: the claim is lost, `contended` | the same claimId gets it again; otherwise it runs out |
 * | (claimId) a second job under this id, by a duplicate beside us → `contended`; what I won myself, and nobody was told of, goes back: its lease first | the reaper takes it back |
 * | C3 the run document; best effort | GET runs knows it from the job; the next writer or the sweep stores it |
 *
 * Job before lease: taken first, a lease would look orphaned to a reaper, which frees it, and then the
 * slow claimer's job write would still succeed on a dead lease (docs/protocol.md, the first
 * tempting variant).
 */
import type { Job, OwnedJob } from "../schema/job.js";
import type { HeldLease } from "../schema/lease.js";
import { omit } from "../schema/omit.js";
import type { Profile } from "../schema/profile.js";
import { toInstant } from "../schema/primitives.js";
import type { ClaimRequest } from "../schema/requests.js";
import type { Factory } from "../schema/factory.js";
import type { Run } from "../schema/run.js";
import type { EmptyClaimReason } from "../schema/wire.js";
import { isOwned, isQueued, runOf, toAssigned, toReleased } from "./advance.js";
import { afterWrite } from "./after-write.js";
import { changeJob, operation } from "./change-job.js";
import { followUp, requeued } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { isStale } from "./heartbeat.js";
import { grantLease, withdrawLease } from "./lease-writes.js";
import { reapForClaim } from "./reap-for-claim.js";
import { resolveProfile } from "./profiles.js";
import { closeRunsInOutbox, openRun, withSnapshot } from "./run-history.js";
import { whyNothing } from "./why-nothing.js";

/** Candidates looked at before the queue is asked again. 20 hints are one page of ids. */
const CLAIM_CANDIDATES_MAX = 20;
/** Windows tried. 8 × 20 candidates lost in a row means a stampede: better to come back later. */
const CLAIM_WINDOWS_MAX = 8;

export type Claimed =
  | { kind: "claimed"; job: OwnedJob; lease: HeldLease; run: Run }
  | { kind: "nothing"; reason: EmptyClaimReason; missing?: string[] }
  | { kind: "factory_not_registered" }
  | { kind: "factory_unavailable"; why: "stale" | "down" };

interface Claim {
  readonly factory: Factory;
  /** The claim's name on the job: factory and claim id. "/" is in neither. */
  readonly name: string | undefined;
  readonly leaseSeconds: number;
  /** The version of a profile that the last candidate would be worked on with; read before the job is written. */
  profile?: Profile | undefined;
  /** Candidates that others got before this claim. */
  races: number;
}

/** Gives the factory one job with its lease and run, or says why there is none. */
export async function claim(fleet: Fleet, productId: string, request: ClaimRequest): Promise<Claimed> {
  const factory = (await fleet.factories.get(productId, request.factoryId))?.doc;
  if (factory === undefined) return { kind: "factory_not_registered" };
  const claim: Claim = {
    factory,
    name: request.claimId === undefined ? undefined : `${request.factoryId}/${request.claimId}`,
    leaseSeconds: request.leaseSeconds ?? fleet.rules.leaseSeconds,
    races: 0,
  };
  const repeated = await findRepeated(fleet, claim);
  if (repeated?.kind === "owned") return afterWrite(() => take(fleet, claim, repeated.job, "again"));
  if (repeated !== undefined) return repeated;

  if (factory.health === "down") return { kind: "factory_unavailable", why: "down" };
  if (isStale(fleet, factory)) return { kind: "factory_unavailable", why: "stale" };

  const seatsTaken = await fleet.jobs.countHeldBy(productId, factory.factoryId);
  if (seatsTaken >= factory.seatLimit) return { kind: "nothing", reason: "seat_limit" };

  let won = await winOne(fleet, claim);
  // The timer may be late or lost: who finds nothing looks for what a dead factory left behind.
  if (won === "no_candidate" && (await reapForClaim(fleet, productId)) > 0) won = await winOne(fleet, claim);
  const { races } = claim;
  const { factoryId } = factory;
  if (races > 0) fleet.log.decision({ decision: "race_lost", productId, factoryId, races });
  if (won === "no_candidate") return { kind: "nothing", ...(await whyNothing(fleet, factory)) };
  if (won === "all_lost") return { kind: "nothing", reason: "contended" };
  return afterWrite(() => take(fleet, claim, won, "won"));
}

async function findRepeated(
  fleet: Fleet,
  claim: Claim,
): Promise<{ kind: "owned"; job: OwnedJob } | { kind: "nothing"; reason: "claim_ended" } | undefined> {
  if (claim.name === undefined) return undefined;
  const found = await fleet.jobs.claimedBy(claim.factory.productId, claim.name);
  for (const { id } of found) {
    const job = (await fleet.jobs.get(claim.factory.productId, id))?.doc;
    if (job !== undefined && isOwned(job) && job.claimId === claim.name) {
      const { productId, factoryId } = claim.factory;
      const { leaseEpoch } = job;
      fleet.log.decision({ decision: "claim_repeated", productId, jobId: id, factoryId, leaseEpoch });
      return { kind: "owned", job };
    }
  }
  return found.length === 0 ? undefined : { kind: "nothing", reason: "claim_ended" };
}

/**
 * C0 and C1. Starts at the head, so that without contention the order is exact; after a loss it goes on
 * at a random place in the window, so that losers don't meet again at the next job.
 */
async function winOne(fleet: Fleet, claim: Claim): Promise<OwnedJob | "no_candidate" | "all_lost"> {
  const { productId } = claim.factory;
  for (let window = 0; window < CLAIM_WINDOWS_MAX; window++) {
    const now = toInstant(fleet.clock.now());
    const candidates = await fleet.jobs.candidates(productId, claim.factory, now, CLAIM_CANDIDATES_MAX);
    if (candidates.length === 0) return window === 0 ? "no_candidate" : "all_lost";
    for (let next = 0; candidates.length > 0; next = Math.floor(fleet.random.next() * candidates.length)) {
      const [jobId] = candidates.splice(next, 1);
      const won = jobId === undefined ? "lost" : await tryClaim(fleet, claim, jobId);
      if (won !== "lost") return won;
      claim.races++;
    }
  }
  return "all_lost";
}

/** C1 on one candidate. `lost`: another got it. `all_lost`: it was ours, and is over already. */
async function tryClaim(fleet: Fleet, claim: Claim, jobId: string): Promise<OwnedJob | "lost" | "all_lost"> {
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
      return {
        kind: "write",
        next: toAssigned(
          job,
          { factoryId, engine, profile, claimId: claim.name, bootId: claim.factory.bootId },
          nowMs,
        ),
        answer: "won",
      };
    },
    repeated: () => "won",
  });
  if (changed.kind === "not_found" || changed.kind === "idempotency_conflict" || changed.answer === "lost") {
    return "lost";
  }
  // After a lost answer, if finding out took long. One claim takes one job, so it does not walk on.
  return isOwned(changed.job.doc) ? changed.job.doc : "all_lost";
}

/** Whether this factory can take the job now: what the candidates' query asks, on the document itself. */
function isClaimable(job: Job, factory: Factory, nowMs: number): boolean {
  return (
    (job.notBefore === undefined || job.notBefore <= toInstant(nowMs)) &&
    job.capabilities.every((capability) => factory.capabilities.includes(capability)) &&
    (job.engineClass === undefined || factory.engines.includes(job.engineClass))
  );
}

/** C2 and C3, for a job that this claim owns: won by this very call, or found again by a repetition. */
async function take(fleet: Fleet, claim: Claim, job: OwnedJob, how: "won" | "again"): Promise<Claimed> {
  const grant = await grantLease(fleet, job, claim.leaseSeconds);
  if (grant.kind === "revoked") return { kind: "nothing", reason: "contended" };
  if (await hasDuplicate(fleet, claim, job)) {
    // Only who won a job may give it back, and only if no repetition was granted it before or since: that
    // one may have been told, and its factory be at work.
    const mine = how === "won" && grant.first;
    if (mine && (await withdrawLease(fleet, grant.lease))) await giveBack(fleet, job);
    return { kind: "nothing", reason: "contended" };
  }
  const bare = runOf(job);
  if (bare === undefined) throw new Error(`job ${job.id} was claimed without a run`);
  const run = await withSnapshot(fleet, bare, claim.profile);
  await followUp(fleet, [() => Promise.all([openRun(fleet, run), closeRunsInOutbox(fleet, job)])]);
  return { kind: "claimed", job, lease: grant.lease.doc, run };
}

/** Whether a duplicate of this claim, running beside it, got another job. Where each sees the other both go back: none is wrong. */
async function hasDuplicate(fleet: Fleet, claim: Claim, job: OwnedJob): Promise<boolean> {
  if (claim.name === undefined) return false;
  const claimed = await fleet.jobs.claimedBy(job.productId, claim.name);
  const others = claimed.filter((other) => other.id !== job.id);
  for (const other of others) {
    const found = await fleet.jobs.get(job.productId, other.id);
    if (found !== undefined && isOwned(found.doc) && found.doc.claimId === claim.name) return true;
  }
  return false;
}

/** As if it had never been claimed: the attempt doesn't count, and the claim's name goes with it. */
async function giveBack(fleet: Fleet, mine: OwnedJob): Promise<void> {
  const changed = await changeJob<undefined>(fleet, {
    productId: mine.productId,
    jobId: mine.id,
    operation: operation(fleet, { route: "give-back", factoryId: mine.holderFactoryId }, {}),
    storeEvents: "when_half_full",
    judge: (job) => {
      if (!isOwned(job) || job.leaseEpoch !== mine.leaseEpoch) return { kind: "settled", answer: undefined };
      const next = omit(
        toReleased(job, "a duplicate of this claim got another job", fleet.clock.now()),
        "claimId",
      );
      return { kind: "write", next, answer: undefined };
    },
    repeated: () => undefined,
  });
  if (changed.kind === "changed") await requeued(fleet, changed.job);
}
