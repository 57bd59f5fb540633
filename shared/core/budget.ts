/**
 * Budgets: what a job has cost over all its runs, and whether that is too much. The bill is on the job,
 * so that the very write that records a report judges it, and no report counts twice: totals of one run
 * merge by maximum, and an ended run is added to the sum once, by the write that ends it.
 *
 * What a worker reports after it lost the job changes nothing of the job, not even its bill: it is
 * recorded on its own run (late-report.ts).
 */
import type { Job, OwnedJob } from "../schema/job.js";
import { isOwnedStage } from "../schema/stages.js";

/** US dollars; tokens in and out, those from a cache among them; seconds that factories held the job. */
export interface Spent {
  readonly usd: number;
  readonly tokens: number;
  readonly wall: number;
}

const NOTHING: Spent = { usd: 0, tokens: 0, wall: 0 };

/** All that the job has cost until now, its present run included. */
export function spentUntil(job: Job, nowMs: number): Spent {
  const ended = job.spent ?? NOTHING;
  return isOwnedStage(job.stage) ? sum(ended, spentByRun(job, nowMs)) : ended;
}

/**
 * Whether the job has cost more than its budget allows: to reach a limit is allowed. What a worker does
 * not report is 0, so that a budget without reports of cost binds by tokens and time.
 */
export function isOverBudget(job: Job, nowMs: number): boolean {
  if (job.budget === undefined) return false;
  const spent = spentUntil(job, nowMs);
  const { usd = Infinity, tokens = Infinity, wall = Infinity } = job.budget;
  return spent.usd > usd || spent.tokens > tokens || spent.wall > wall;
}

/** The bill of a job whose present run ends now. */
export function withRunBilled(owned: OwnedJob, nowMs: number): Pick<Job, "spent"> {
  return { spent: spentUntil(owned, nowMs) };
}

function spentByRun({ run }: Job, nowMs: number): Spent {
  if (run === undefined) return NOTHING;
  const { costUsd = 0, tokensIn = 0, tokensOut = 0 } = run.insights;
  const wall = Math.max(0, (nowMs - Date.parse(run.startedAt)) / 1000);
  return { usd: costUsd, tokens: tokensIn + tokensOut, wall };
}

function sum(a: Spent, b: Spent): Spent {
  return { usd: a.usd + b.usd, tokens: a.tokens + b.tokens, wall: a.wall + b.wall };
}
