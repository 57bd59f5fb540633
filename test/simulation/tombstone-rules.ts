/** 18: what retention may do to a job, and to what belongs to it. */
import type { Job } from "../../shared/schema/job.js";
import { isFinalStage } from "../../shared/schema/stages.js";
import type { Seen } from "./seen.js";
import { Violation } from "./violation.js";

/** Stays for ever, for whoever submits the key again, waits for the job, or held it once. */
const STAYS = [
  ...["idempotencyKey", "contentHash", "pastHashes", "order", "deps", "depsMode", "kind", "parentId"],
  ...["stage", "leaseEpoch", "holderFactoryId", "claimId", "attempt", "eventSeq"],
  ...["result", "exit", "verifyResult", "failure", "checkpoint"],
  ...["createdAt", "updatedAt", "stageChangedAt"],
] as const satisfies readonly (keyof Job)[];

/** A version of a job after another: a tombstone is made of a job at rest, keeps what must stay, and is one for ever. */
export function checkTombstone(before: Job, job: Job): void {
  if (before.tombstone && !job.tombstone) throw new Violation(18, "a tombstone became a job again");
  if (!job.tombstone) return;
  if (!before.tombstone && (!isFinalStage(before.stage) || before.dirty))
    throw new Violation(18, `a job that is ${before.stage}, or not done, became a tombstone`);
  const lost = STAYS.find((field) => JSON.stringify(before[field]) !== JSON.stringify(job[field]));
  if (lost !== undefined) throw new Violation(18, `a tombstone lost its ${lost}`);
}

/** Something that belongs to a job is deleted: only a tombstone's. */
export function checkDeleted(monitor: Seen, jobId: string): void {
  if (monitor.job(jobId)?.tombstone !== true)
    throw new Violation(18, "something went that belongs to a job which is no tombstone");
}

/** A job's content as it was before retention took it. */
export function asItWas(monitor: Seen, job: Job): Job {
  return job.tombstone ? (monitor.jobs.get(job.id)?.findLast(({ doc }) => !doc.tombstone)?.doc ?? job) : job;
}
