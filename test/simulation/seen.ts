import { digest } from "./digest.js";
import type { EventType, JobEvent } from "../../shared/schema/event.js";
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";

/** A document as it was from `step` on. */
export interface At<T> {
  readonly step: number;
  readonly doc: T;
  readonly by: string;
}

/** What was seen of jobs so far, for whoever judges the next version. */
export interface Seen {
  readonly jobs: ReadonlyMap<string, readonly At<Job>[]>;
  /** The latest version. */
  job(id: string): Job | undefined;
  /** The numbers of a job's stored events. */
  storedEvents(jobId: string): ReadonlySet<number>;
}

/** Something that a request did to the record. */
export interface Effect {
  /** The event that it added to the job, or the lease that it granted or extended. */
  readonly type: string;
  readonly jobId: string;
  readonly leaseEpoch: number;
}

/** One request of a client, from its call to its answer. */
export interface Request {
  readonly by: string;
  readonly productId: string;
  /** Whether it asks for a job, rather than working on one. */
  readonly isClaim: boolean;
  /** The step at which it was sent. */
  readonly from: number;
  readonly effects: readonly Effect[];
  /** Whether a write of it has an outcome that nobody knows: it may have had an effect. */
  readonly uncertain: boolean;
  /** Whether it was shown something old. */
  readonly shownOld: boolean;
  /** Whether it was answered, or given up. */
  readonly ended: boolean;
}

/** The versions that were in force at some instant from `from` to now. */
export function during<T>(history: readonly At<T>[] | undefined, from: number): readonly At<T>[] {
  const all = history ?? [];
  const first = all.findLastIndex(({ step }) => step <= from);
  return all.slice(Math.max(0, first));
}

export function lastEvent(job: Job): JobEvent | undefined {
  return job.outbox.at(-1);
}

/** The type of the event that this version brought. */
export function typeOf(before: Job, job: Job): EventType | undefined {
  return before.eventSeq === job.eventSeq ? undefined : lastEvent(job)?.type;
}

export function is(type: EventType | undefined, types: readonly EventType[]): boolean {
  return type !== undefined && types.includes(type);
}

const essences = new WeakMap<object, string>();

/** A hash of what `of` says of this version: worked out once, for no version ever changes. */
function once<T extends object>(doc: T, of: (doc: T) => string): string {
  let text = essences.get(doc);
  if (text === undefined) {
    text = digest(of(doc));
    essences.set(doc, text);
  }
  return text;
}

/** What the rules look at: two versions alike in this are one to them. */
export function essence(job: Job): string {
  return once(job, essenceOfJob);
}

export function essenceOfLease(lease: Lease): string {
  return once(lease, ({ status, leaseEpoch, holderFactoryId, expiresAt }) =>
    JSON.stringify([status, leaseEpoch, holderFactoryId, expiresAt]),
  );
}

function essenceOfJob(job: Job): string {
  return JSON.stringify([
    job.stage,
    job.leaseEpoch,
    job.holderFactoryId,
    job.attempt,
    job.claimId,
    job.checkpoint,
    job.contentHash,
    job.pastHashes.length,
    job.deps,
    job.result,
    job.failure,
    job.run?.insights,
    job.spent?.usd,
    job.spent?.tokens,
    job.budget,
    job.notBefore,
    job.bootId,
  ]);
}
