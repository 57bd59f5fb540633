/** The invariants of retries and money: what two versions of a job after one another can break. */
import type { Run } from "../../shared/schema/run.js";
import type { Job } from "../../shared/schema/job.js";
import { isFinalStage, isOwnedStage } from "../../shared/schema/stages.js";
import { lastEvent, typeOf } from "./seen.js";
import { Violation } from "./violation.js";

/** 14: no attempt beyond the maximum, none before its time, and only of failures that are tried again. */
export function checkRetry(before: Job, job: Job): void {
  const type = typeOf(before, job);
  const attempts = job.retry === undefined ? 10 : 1 + job.retry.max;
  if (job.attempt > attempts) throw new Violation(14, `attempt ${job.attempt} of ${attempts}`);
  if (type === "claimed" && before.notBefore !== undefined && before.notBefore > (lastEvent(job)?.at ?? ""))
    throw new Violation(14, "a retry was claimed before its time");
  if (type === "expired" && job.attempt >= attempts)
    throw new Violation(14, "a job whose attempts are used up went back to the queue");
  if (type !== "retry_scheduled") return;
  const on = job.retry?.on ?? [];
  if (job.retry === undefined || before.attempt >= attempts)
    throw new Violation(14, "a retry that the policy does not allow");
  if (on.length > 0 && !on.includes(job.failure?.kind ?? ""))
    throw new Violation(14, "a failure is tried again that the policy does not name");
}

/**
 * 16: what is spent is counted once: when a run ends its totals are added, and nothing else changes the
 * sum. Totals never fall. A report that exhausts the budget leaves no owner.
 */
export function checkBill(before: Job, job: Job): void {
  // Other content is other work, with a budget of its own.
  const was = typeOf(before, job) === "superseded" ? NOTHING : spentOf(before);
  const now = spentOf(job);
  const ends = isOwnedStage(before.stage) && typeOf(before, job) !== undefined && !isOwnedStage(job.stage);
  const run = ends ? usageOf((lastEvent(job)?.data["run"] as Job["run"] | undefined)?.insights) : NOTHING;
  if (now.usd !== was.usd + run.usd || now.tokens !== was.tokens + run.tokens)
    throw new Violation(16, "what is spent is not the sum of what the runs reported");
  if (!isOwnedStage(before.stage) || before.leaseEpoch !== job.leaseEpoch) return;
  const reported = ends ? run : usageOf(job.run?.insights);
  const earlier = usageOf(before.run?.insights);
  if (reported.usd < earlier.usd || reported.tokens < earlier.tokens)
    throw new Violation(16, "a run's totals fell");
  const more = reported.usd > earlier.usd || reported.tokens > earlier.tokens;
  const total = { usd: was.usd + reported.usd, tokens: was.tokens + reported.tokens };
  const exhausted =
    total.usd > (job.budget?.usd ?? Infinity) || total.tokens > (job.budget?.tokens ?? Infinity);
  if (more && exhausted && !isFinalStage(job.stage))
    throw new Violation(16, "a report exhausted the budget, and the job goes on");
}

const NOTHING = { usd: 0, tokens: 0 };

function spentOf({ spent }: Job): typeof NOTHING {
  return { usd: spent?.usd ?? 0, tokens: spent?.tokens ?? 0 };
}

function usageOf(insights: NonNullable<Job["run"]>["insights"] | undefined): typeof NOTHING {
  const { costUsd = 0, tokensIn = 0, tokensOut = 0 } = insights ?? {};
  return { usd: costUsd, tokens: tokensIn + tokensOut };
}

/** 16, for run documents: totals never fall, and one that has ended stays so. */
export function checkRun(before: Run | undefined, run: Run): void {
  if (before === undefined) return;
  if (before.endedAt !== undefined && run.endedAt === undefined)
    throw new Violation(16, "an ended run is open again");
  const [was, now] = [usageOf(before.insights), usageOf(run.insights)];
  if (now.usd < was.usd || now.tokens < was.tokens) throw new Violation(16, "a run forgot what it had cost");
}
