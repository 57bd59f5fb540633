/**
 * Whether a history could have come from one job that takes one call after the other: some order of the
 * calls, in which none that was answered before another began comes after it, explains every answer.
 * The search is Wing and Gong's, with Lowe's memory of the states that were tried.
 */
import type { Op } from "./history.js";
import { after, unasked } from "./one-job.js";
import { NO_JOB } from "./one-job-state.js";
import type { OneJob } from "./one-job-state.js";

/** Orders tried before the search gives up: a history of 40 calls needs a few hundred. */
const TRIES_MAX = 200_000;

export type Verdict = "linearizable" | "not_linearizable" | "too_large";

export function judgeHistory(ops: readonly Op[], start: OneJob = NO_JOB): Verdict {
  // One expiry may follow the last epoch that anybody saw; a claim that told nobody adds its own and one more.
  const unsaid = ops.filter(({ call, answer }) => call.kind === "claim" && answer?.kind !== "claimed").length;
  const epochMax = Math.max(0, ...ops.map(epochOf)) + 1 + 2 * unsaid;
  const tried = new Set<string>();
  // Depth first: what is left of the history, and the job so far.
  const stack: { left: bigint; job: OneJob }[] = [{ left: (1n << BigInt(ops.length)) - 1n, job: start }];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { left, job } = node;
    const open = ops.filter((_, place) => (left >> BigInt(place)) & 1n);
    if (open.every(({ to }) => to === Infinity)) return "linearizable";
    const name = `${left.toString(36)}${JSON.stringify(job)}`;
    if (tried.has(name)) continue;
    tried.add(name);
    if (tried.size > TRIES_MAX) return "too_large";
    for (const next of unasked(job, epochMax)) stack.push({ left, job: next });
    const firstAnswer = Math.min(...open.map(({ to }) => to));
    // Pushed last, tried first: the calls in the order in which they began.
    for (let place = ops.length - 1; place >= 0; place--) {
      const op = ops[place];
      if (op === undefined || !((left >> BigInt(place)) & 1n) || op.from >= firstAnswer) continue;
      const rest = left & ~(1n << BigInt(place));
      for (const next of after(job, op.call, op.answer)) stack.push({ left: rest, job: next });
    }
  }
  return "not_linearizable";
}

/** The highest epoch that this call shows to have been. */
function epochOf({ call, answer }: Op): number {
  return Math.max(answer?.view?.epoch ?? 0, "who" in call ? call.who.leaseEpoch : 0);
}
