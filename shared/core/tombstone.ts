/**
 * A tombstone is what retention leaves of a job: who it was, how it ended, and what no later submission
 * may be told wrong. It is never deleted: the job's id comes from its key, and a second life would begin
 * at epoch 0 and let its former holders write again. It never opens again either, for its history is gone.
 */
import type { Job } from "../schema/job.js";
import { omit } from "../schema/omit.js";
import { toInstant } from "../schema/primitives.js";
import { isFinalStage } from "../schema/stages.js";
import type { Fleet } from "./fleet.js";

const DAY_MS = 24 * 60 * 60 * 1000;

export function isTombstone(job: Pick<Job, "tombstone">): boolean {
  return job.tombstone === true;
}

/** Jobs that ended before this instant are due; undefined when nothing ever is. */
export function dueBefore(fleet: Pick<Fleet, "clock" | "rules">): string | undefined {
  const { retentionDays } = fleet.rules;
  return retentionDays === 0 ? undefined : toInstant(fleet.clock.now() - retentionDays * DAY_MS);
}

/** Whether retention may take this job's history: it ended long enough ago, and nothing of its end is left to do. */
export function isDue(job: Job, before: string): boolean {
  const atRest = isFinalStage(job.stage) && job.dirty === undefined && job.outbox.length === 0;
  return atRest && !isTombstone(job) && job.stageChangedAt < before;
}

/**
 * The job as its own tombstone. Everything that a client was ever told of its end stays, and its deps do,
 * which the search for a cycle follows; what was asked for goes. `dirty` until its history is gone, too.
 */
export function toTombstone(job: Job): Job {
  const rest = omit(job, "manifestSnapshot", "run", "notBefore", "graceUntil", "blockedBy");
  return { ...rest, bodyMd: "", recentOps: [], tombstone: true, dirty: true };
}
