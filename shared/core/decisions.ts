/** What a write of a job decided, in the words of the closed list: one decision for each event it brought. */
import type { Decision } from "../schema/decision.js";
import { FAILURE_KINDS, RUN_ENDING } from "../schema/decision.js";
import type { JobEvent } from "../schema/event.js";
import type { Job } from "../schema/job.js";
import type { EndedRun } from "./advance.js";
import type { Fleet } from "./fleet.js";

/** Tells of the write that made `after` of `before`; of nothing where the write brought no event. */
export function tell(fleet: Pick<Fleet, "log">, before: Job | undefined, after: Job): void {
  for (const event of after.outbox) {
    if (event.seq > (before?.eventSeq ?? 0)) fleet.log.decision(decisionOf(before, after, event));
  }
}

function decisionOf(before: Job | undefined, after: Job, event: JobEvent): Decision {
  const { type } = event;
  const factoryId = event.actor ?? before?.holderFactoryId;
  const now = {
    productId: after.productId,
    jobId: after.id,
    stage: after.stage,
    ...(before === undefined ? {} : { from: before.stage }),
    leaseEpoch: after.leaseEpoch,
    attempt: after.attempt,
  };
  const who = factoryId === undefined ? {} : { factoryId };
  if (type === "claimed") {
    const waitedMs = Math.max(0, Date.parse(event.at) - claimableSince(before ?? after));
    return { decision: type, ...now, factoryId: after.holderFactoryId ?? "", waitedMs };
  }
  if (endsRun(type)) return { decision: type, ...now, ...who, ...runOf(event), ...failureOf(after, type) };
  return { decision: type, ...now, ...who };
}

type RunEnding = (typeof RUN_ENDING)[number];

function endsRun(type: JobEvent["type"]): type is RunEnding {
  return RUN_ENDING.some((ends) => ends === type);
}

/** A delayed retry waits for its time, not for a factory. */
function claimableSince(queued: Job): number {
  const since = Date.parse(queued.stageChangedAt);
  return queued.notBefore === undefined ? since : Math.max(since, Date.parse(queued.notBefore));
}

/** The event carries the run that it ends; of one whose owner was never told, nothing. */
function runOf(event: JobEvent) {
  const run = event.data["run"] as EndedRun | undefined;
  if (run === undefined) return {};
  const { costUsd, tokensIn, tokensOut } = run.insights;
  return {
    ranMs: Math.max(0, Date.parse(run.endedAt) - Date.parse(run.startedAt)),
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(tokensIn === undefined ? {} : { tokensIn }),
    ...(tokensOut === undefined ? {} : { tokensOut }),
  };
}

/** A job keeps its last failure; where this run brought none, that is not this run's. */
function failureOf(job: Job, type: RunEnding) {
  const brought =
    type === "expired" ? job.stage === "dead_letter" : type !== "shipped" && type !== "released";
  if (job.failure === undefined || !brought) return {};
  return { failure: FAILURE_KINDS.find((kind) => kind === job.failure?.kind) ?? ("other" as const) };
}
