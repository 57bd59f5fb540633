/**
 * Claim: the highest-priority, then oldest, job that this factory can take, for it alone.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | (claimId) a job claimed under this id? Still owned → go on at C2; else → `claim_ended` | nothing happened |
 * | C0 candidates by query, at the heads of the factory's lanes: a hint | nothing happened |
 * | C1 **the job**, judged again: → `assigned`, epoch + 1. This one write decides who wins | the same claimId goes on at C2; otherwise the reaper sees a lease older than the job, and the grace over |
 * | C2 the lease → `held` at this epoch. Found revoked: the claim is lost, `contended` | the same claimId gets it again; otherwise it runs out |
 * | (claimId) a second job under this id, by a duplicate beside us → `contended`; what I won myself, and nobody was told of, goes back: its lease first | the reaper takes it back |
 * | C3 (beside C2) the run document; best effort | GET runs knows it from the job; the next writer or the sweep stores it |
 *
 * Job before lease: taken first, a lease would look orphaned to a reaper, which frees it, and then the
 * slow claimer's job write would still succeed on a dead lease (docs/protocol.md, the first
 * tempting variant).
 */
import type { OwnedJob } from "../schema/job.js";
import type { HeldLease } from "../schema/lease.js";
import { omit } from "../schema/omit.js";
import type { ClaimRequest } from "../schema/requests.js";
import type { Run } from "../schema/run.js";
import type { EmptyClaimReason } from "../schema/wire.js";
import { isOwned, runOf, toReleased } from "./advance.js";
import { afterWrite } from "./after-write.js";
import { Search } from "./candidates.js";
import { changeJob, operation } from "./change-job.js";
import { followUp, requeued } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { isStale } from "./heartbeat.js";
import { sameJson } from "./hash.js";
import { lanesFor, readLanes } from "./lanes.js";
import { grantLease, rememberLease, withdrawLease } from "./lease-writes.js";
import { reapForClaim } from "./reap-for-claim.js";
import { closeRunsInOutbox, openRun, withSnapshot } from "./run-history.js";
import { remember } from "./remember.js";
import { sideBySide } from "./side-by-side.js";
import { whyNothing } from "./why-nothing.js";
import { winOne } from "./win-job.js";
import type { Claim } from "./win-job.js";

/** Factories whose lanes an instance remembers. */
const FACTORIES_MAX = 10_000;

export type Claimed =
  | { kind: "claimed"; job: OwnedJob; lease: HeldLease; run: Run }
  | { kind: "nothing"; reason: EmptyClaimReason; missing?: string[] }
  | { kind: "factory_not_registered" }
  | { kind: "factory_unavailable"; why: "stale" | "down" };

/** Gives the factory one job with its lease and run, or says why there is none. */
export async function claim(fleet: Fleet, productId: string, request: ClaimRequest): Promise<Claimed> {
  const { factoryId } = request;
  const name = request.claimId === undefined ? undefined : `${factoryId}/${request.claimId}`;
  const hint = beginSearch(fleet, productId, factoryId);
  try {
    // All at once: none of them needs another's answer.
    const [factory, lanes, seatsTaken, repeated] = await sideBySide([
      fleet.factories.get(productId, factoryId).then((read) => read?.doc),
      readLanes(fleet, productId).then((read) => read?.doc),
      fleet.jobs.countHeldBy(productId, factoryId),
      findRepeated(fleet, productId, factoryId, name),
    ]);
    if (factory === undefined) return { kind: "factory_not_registered" };
    const leaseSeconds = request.leaseSeconds ?? fleet.rules.leaseSeconds;
    const claim: Claim = { factory, name, leaseSeconds, races: 0 };
    if (repeated?.kind === "owned") return await afterWrite(() => take(fleet, claim, repeated.job, "again"));
    if (repeated !== undefined) return repeated;

    if (factory.health === "down") return { kind: "factory_unavailable", why: "down" };
    if (isStale(fleet, factory)) return { kind: "factory_unavailable", why: "stale" };
    if (seatsTaken >= factory.seatLimit) return { kind: "nothing", reason: "seat_limit" };
    return await takeNext(fleet, claim, lanesFor(lanes, factory), hint);
  } finally {
    await hint?.close();
  }
}

/**
 * Asks for candidates at once, in the lanes that the factory's last claim here looked at. Nothing rests on
 * it: where those are not the factory's lanes any more, the answer is not used.
 */
function beginSearch(fleet: Fleet, productId: string, factoryId: string): Search | undefined {
  const lanes = fleet.lastLanes.get(`${productId}/${factoryId}`);
  const search = lanes && new Search(fleet, productId, lanes);
  search?.begin();
  return search;
}

/** The first job of these lanes that this claim can get, or why there is none. */
async function takeNext(
  fleet: Fleet,
  claim: Claim,
  lanes: readonly string[],
  hint: Search | undefined,
): Promise<Claimed> {
  const { productId, factoryId } = claim.factory;
  remember(fleet.lastLanes, `${productId}/${factoryId}`, lanes, FACTORIES_MAX);
  const search = async (begun?: Search) => {
    const found = begun ?? new Search(fleet, productId, lanes);
    try {
      return await winOne(fleet, claim, found);
    } finally {
      await found.close();
    }
  };
  const stillTrue = sameJson(hint?.lanes, lanes);
  let won = await search(stillTrue ? hint : undefined);
  // The timer may be late or lost: who finds nothing looks for what a dead factory left behind.
  if (won === "no_candidate" && (await reapForClaim(fleet, productId)) > 0) won = await search();
  const { races } = claim;
  if (races > 0) fleet.log.decision({ decision: "race_lost", productId, factoryId, races });
  if (won === "no_candidate") return { kind: "nothing", ...(await whyNothing(fleet, claim.factory)) };
  if (won === "all_lost") return { kind: "nothing", reason: "contended" };
  return afterWrite(() => take(fleet, claim, won, "won"));
}

async function findRepeated(
  fleet: Fleet,
  productId: string,
  factoryId: string,
  name: string | undefined,
): Promise<{ kind: "owned"; job: OwnedJob } | { kind: "nothing"; reason: "claim_ended" } | undefined> {
  if (name === undefined) return undefined;
  const found = await fleet.jobs.claimedBy(productId, name);
  for (const { id } of found) {
    const job = (await fleet.jobs.get(productId, id))?.doc;
    if (job !== undefined && isOwned(job) && job.claimId === name) {
      const { leaseEpoch } = job;
      fleet.log.decision({ decision: "claim_repeated", productId, jobId: id, factoryId, leaseEpoch });
      return { kind: "owned", job };
    }
  }
  return found.length === 0 ? undefined : { kind: "nothing", reason: "claim_ended" };
}

/** C2 and C3, for a job that this claim owns: won by this very call, or found again by a repetition. */
async function take(fleet: Fleet, claim: Claim, job: OwnedJob, how: "won" | "again"): Promise<Claimed> {
  const bare = runOf(job);
  if (bare === undefined) throw new Error(`job ${job.id} was claimed without a run`);
  const run = await withSnapshot(fleet, bare, claim.profile);
  // Beside the lease, for neither needs the other: the run of an epoch that is over already is closed by the sweep.
  const [grant] = await sideBySide([
    grantLease(fleet, job, claim.leaseSeconds),
    followUp(fleet, [() => sideBySide([openRun(fleet, run), closeRunsInOutbox(fleet, job)])]),
  ]);
  if (grant.kind === "revoked") return { kind: "nothing", reason: "contended" };
  if (await hasDuplicate(fleet, claim, job)) {
    // Only who won a job may give it back, and only if no repetition was granted it before or since: that
    // one may have been told, and its factory be at work.
    const mine = how === "won" && grant.first;
    if (mine && (await withdrawLease(fleet, grant.lease))) await giveBack(fleet, job);
    return { kind: "nothing", reason: "contended" };
  }
  rememberLease(fleet, grant.lease);
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
