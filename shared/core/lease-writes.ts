/**
 * The lease document: until when, and whether that was revoked. It follows the job and is never ahead
 * of it: nobody writes a lease at an epoch that the job has not reached.
 *
 *     grant    create, or replace an older epoch's  → held at the job's epoch     (claim, C2)
 *     withdraw what was just granted, unseen        → expired at the job's epoch  (a duplicate's claim)
 *     revoke   create, or replace what was read     → expired at the job's epoch  (reap, A2)
 *     settle   held at an epoch that is over        → released                    (after the job's write)
 *
 * A revocation at the job's epoch is what stops a half-done claim: grant finds it and gives up. That
 * is why a revoked lease is never left at an older epoch, and why a grant never overwrites its own.
 */
import type { Job, OwnedJob } from "../schema/job.js";
import type { HeldLease, Lease } from "../schema/lease.js";
import { SCHEMA_VERSION } from "../schema/limits.js";
import { toInstant } from "../schema/primitives.js";
import { afterWrite } from "./after-write.js";
import { backOff } from "./change-job.js";
import type { Identity } from "./fence.js";
import type { Fleet } from "./fleet.js";
import { sameJson } from "./hash.js";
import { StoreUnavailable } from "./ports/store.js";
import type { Stored } from "./ports/store.js";
import { remember } from "./remember.js";

/** Tries of one lease write. Only a holder, a reaper and a late duplicate ever meet here. */
const LEASE_TRIES_MAX = 8;

/** Leases an instance remembers: 4 MB. */
const LEASES_REMEMBERED_MAX = 10_000;

/** `first`: no other call was granted this epoch before, so nobody was told of it. */
export type Grant = { kind: "granted"; lease: Stored<HeldLease>; first: boolean } | { kind: "revoked" };

/** C2: the lease of a job that was just claimed, from now on. `revoked`: somebody ended this epoch already. */
export async function grantLease(fleet: Fleet, job: OwnedJob, leaseSeconds: number): Promise<Grant> {
  // The first claim of a job finds no lease: try to create it before looking.
  let known: Stored<Lease> | undefined;
  const grantId = fleet.ids.unique();
  if (job.leaseEpoch > 1) known = await fleet.leases.get(job.id, job.id);
  for (let attempt = 0; attempt < LEASE_TRIES_MAX; attempt++) {
    if (attempt > 0) {
      await backOff(fleet, attempt);
      known = await fleet.leases.get(job.id, job.id);
    }
    const found = known?.doc;
    if (found !== undefined) {
      if (found.leaseEpoch > job.leaseEpoch) return { kind: "revoked" };
      if (found.leaseEpoch === job.leaseEpoch && found.status !== "held") return { kind: "revoked" };
    }
    const lease = { ...heldLease(job, leaseSeconds, fleet.clock.now()), grantId };
    const again = found?.leaseEpoch === job.leaseEpoch;
    // Held at this very epoch: this claim took it before, and its answer was lost. Its renewals stay.
    if (again) lease.renewals = found.renewals;
    const granted = await written(fleet, known, lease);
    const first = !again || found.grantId === grantId;
    if (granted !== undefined) return { kind: "granted", lease: granted, first };
  }
  throw new StoreUnavailable(`${LEASE_TRIES_MAX} tries lost on the lease of job ${job.id}`);
}

/** N2: the same lease, for longer. Only ever after the lease was read as held by this holder at this epoch. */
export async function extendLease(
  fleet: Fleet,
  read: Stored<HeldLease>,
  leaseSeconds: number,
): Promise<Stored<HeldLease> | undefined> {
  const lease: HeldLease = {
    ...read.doc,
    leaseSeconds,
    expiresAt: toInstant(fleet.clock.now() + leaseSeconds * 1000),
    renewals: read.doc.renewals + 1,
  };
  return written(fleet, read, lease);
}

/**
 * Takes back a lease that this very claim was granted and has told nobody of. False when somebody wrote
 * it since: a repetition of the claim, which may have been told that it holds the job. Throws when
 * nobody knows whether it was taken back. Whoever dies after it leaves an owned job under a revoked
 * lease: a repetition is told `contended`, and the next reaper puts the job back into the queue (A3).
 */
export async function withdrawLease(fleet: Fleet, granted: Stored<HeldLease>): Promise<boolean> {
  const withdrawn: Lease = { ...granted.doc, status: "expired" };
  for (let attempt = 0; attempt < LEASE_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    if ((await written(fleet, granted, withdrawn)) !== undefined) return true;
    const found = await fleet.leases.get(granted.doc.jobId, granted.doc.id);
    if (found?.etag !== granted.etag) return sameJson(found?.doc, withdrawn);
  }
  throw new StoreUnavailable(`${LEASE_TRIES_MAX} tries lost on the lease of job ${granted.doc.jobId}`);
}

/** A2: nobody can renew this epoch, and no half-done claim of it can succeed, once this returned true. */
export async function revokeLease(
  fleet: Fleet,
  job: OwnedJob,
  read: Stored<Lease> | undefined,
): Promise<boolean> {
  const revoked = await written<Lease>(fleet, read, {
    ...(read?.doc ?? baseLease(job)),
    holderFactoryId: job.holderFactoryId,
    leaseEpoch: job.leaseEpoch,
    status: "expired",
  });
  return revoked !== undefined;
}

/**
 * Ends a lease whose epoch is over, because the job is final, released or further on. Cleaning up only:
 * without it the lease would run out by itself. `ahead`: the lease as it was read before the job was
 * written; good for one conditional write, and for nothing else. Returns the lease as it is afterwards.
 */
export async function settleLease(
  fleet: Fleet,
  job: Job,
  stillOwned: boolean,
  ahead?: Stored<Lease>,
): Promise<Lease | undefined> {
  const epochIsOver = ({ status, leaseEpoch }: Lease): boolean =>
    status === "held" && (leaseEpoch < job.leaseEpoch || (leaseEpoch === job.leaseEpoch && !stillOwned));
  const settle = async (read: Stored<Lease>): Promise<Lease | undefined> =>
    (await written<Lease>(fleet, read, { ...read.doc, status: "released" }))?.doc;
  const settled = ahead !== undefined && epochIsOver(ahead.doc) ? await settle(ahead) : undefined;
  if (settled !== undefined) return settled;
  const read = await fleet.leases.get(job.id, job.id);
  if (read === undefined || !epochIsOver(read.doc)) return read?.doc;
  return (await settle(read)) ?? (await fleet.leases.get(job.id, job.id))?.doc;
}

/** Keeps a lease that this instance just wrote, for the renewal that will come: a hint, good under its etag alone. */
export function rememberLease(fleet: Pick<Fleet, "heldLeases">, lease: Stored<HeldLease>): void {
  remember(fleet.heldLeases, lease.doc.jobId, lease, LEASES_REMEMBERED_MAX);
}

/** Whether `lease` is held by this factory at this epoch. */
export function isHeldBy(lease: Lease | undefined, who: Identity): lease is HeldLease {
  return (
    lease?.status === "held" &&
    lease.leaseEpoch === who.leaseEpoch &&
    lease.holderFactoryId === who.factoryId &&
    lease.expiresAt !== undefined &&
    lease.leaseSeconds !== undefined
  );
}

/**
 * One conditional write. After an unknown outcome the document tells: if it is what was to be written,
 * it was written. Undefined when it was lost, or may yet happen: the caller looks again, and judges again.
 */
async function written<L extends Lease>(
  fleet: Fleet,
  read: Stored<Lease> | undefined,
  next: L,
): Promise<Stored<L> | undefined> {
  try {
    const outcome =
      read === undefined ? await fleet.leases.create(next) : await fleet.leases.replaceIfMatch(read, next);
    const done = outcome.kind === "created" || outcome.kind === "replaced";
    return done ? { doc: next, etag: outcome.etag } : undefined;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    // The caller may try in vain and say just that: here is told what is wrong with the store.
    fleet.log.warn(`the lease of job ${next.jobId} was written without an answer: ${error.message}`);
    const found = await afterWrite(() => fleet.leases.get(next.jobId, next.id));
    return found !== undefined && sameJson(found.doc, next) ? { doc: next, etag: found.etag } : undefined;
  }
}

function heldLease(job: OwnedJob, leaseSeconds: number, nowMs: number): HeldLease {
  return {
    ...baseLease(job),
    status: "held",
    expiresAt: toInstant(nowMs + leaseSeconds * 1000),
    leaseSeconds,
  };
}

function baseLease(job: OwnedJob) {
  return {
    id: job.id,
    productId: job.productId,
    schemaVersion: SCHEMA_VERSION,
    jobId: job.id,
    holderFactoryId: job.holderFactoryId,
    leaseEpoch: job.leaseEpoch,
    renewals: 0,
  };
}
