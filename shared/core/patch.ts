/**
 * Patch: a worker reports progress, or the end. It looks at the job alone: the fence is judged on the
 * very version that the write replaces, so a zombie can't slip between.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | P1 read the job | nothing happened |
 * | P2 holder, epoch and stage fit → **one write of the job**: stage, checkpoint, result, insights, operation, event | done; a final job is `dirty`, and the sweep does the rest |
 * | lease, run, dependants; then `dirty` goes | – |
 */
import type { Job, OwnedJob } from "../schema/job.js";
import type { PatchRequest } from "../schema/requests.js";
import { isFinalStage, workerMoves } from "../schema/stages.js";
import type { Stage } from "../schema/stages.js";
import type { Directive } from "../schema/wire.js";
import { advance, isOwned } from "./advance.js";
import { isOverBudget } from "./budget.js";
import { changeJob, operation } from "./change-job.js";
import type { Judgement } from "./change-job.js";
import { toFailed, toOverBudget, toShipped } from "./endings.js";
import { CONTINUE, fence } from "./fence.js";
import type { Fenced } from "./fence.js";
import { finish, movedOn, requeued } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { sameJson } from "./hash.js";
import { mergeInsights } from "./insights.js";
import { recordLateReport } from "./late-report.js";
import type { Stored } from "./ports/store.js";

export type PatchRefusal =
  Fenced | { kind: "illegal_transition"; from: Stage; to: Stage; allowed: readonly Stage[] };
export type Patched =
  | { kind: "patched"; job: Job; directive: Directive }
  | PatchRefusal
  | { kind: "idempotency_conflict"; jobId: string; stage: Stage }
  | { kind: "not_found" };

interface Accepted {
  readonly kind: "patched";
  /** Whether this very write moved the job to another stage. */
  readonly moved: boolean;
}

/** The properties of a job that a patch replaces whole. */
const REPORTED = ["checkpoint", "result", "verifyResult", "exit", "failure"] as const;

/** Applies a worker's report. With a key, a repetition answers the same and changes nothing. */
export async function patch(
  fleet: Fleet,
  productId: string,
  jobId: string,
  request: PatchRequest,
  key?: string,
): Promise<Patched> {
  const { factoryId, leaseEpoch } = request;
  const changed = await changeJob<Accepted | PatchRefusal>(fleet, {
    productId,
    jobId,
    operation: operation(fleet, { route: "patch", factoryId, leaseEpoch, key }, request),
    leaseEpoch,
    storeEvents: "always",
    judge: (job) => judgePatch(fleet, job, request, key !== undefined),
    repeated: () => ({ kind: "patched", moved: false }),
  });
  if (changed.kind === "not_found") return changed;
  if (changed.kind === "idempotency_conflict") {
    return { kind: "idempotency_conflict", jobId, stage: changed.job.doc.stage };
  }
  // What a worker spent is owed, whether or not its report still counts.
  if (changed.kind !== "changed") await recordLateReport(fleet, changed.job.doc, request, request.insights);
  if (changed.answer.kind !== "patched") return changed.answer;
  const job = await followed(fleet, changed.job, changed.answer.moved);
  return { kind: "patched", job, directive: directiveFor(job, request) };
}

/** What follows the write. Returns the job as it is then. */
async function followed(fleet: Fleet, job: Stored<Job>, moved: boolean): Promise<Job> {
  if (isFinalStage(job.doc.stage)) await finish(fleet, job);
  else if (moved && !isOwned(job.doc)) return (await requeued(fleet, job)).job;
  else if (moved) await movedOn(fleet, job);
  return job.doc;
}

/** What was accepted may have been lost since: by then the worker must stop. Its own end is no loss. */
function directiveFor(job: Job, request: PatchRequest): Directive {
  const verdict = fence(job, request);
  if (verdict.kind === "current") return CONTINUE;
  const { directive } = verdict;
  const endedItself =
    job.leaseEpoch === request.leaseEpoch &&
    (request.stage === "shipped" || request.stage === "failed") &&
    directive.action === "stop" &&
    directive.reason === "lease_lost";
  return endedItself ? CONTINUE : directive;
}

function judgePatch(
  fleet: Pick<Fleet, "clock" | "random">,
  job: Job,
  request: PatchRequest,
  mustBeRemembered: boolean,
): Judgement<Accepted | PatchRefusal> {
  if (repeatsTheEnd(job, request)) return { kind: "settled", answer: { kind: "patched", moved: false } };
  const verdict = fence(job, request);
  if (verdict.kind !== "current") return { kind: "refused", answer: verdict };
  const owned = verdict.job;
  const to = request.stage ?? owned.stage;
  const allowed = workerMoves(owned.stage);
  const stays = to === owned.stage && request.stage !== "assigned";
  if (!stays && !allowed.includes(to)) {
    return { kind: "refused", answer: { kind: "illegal_transition", from: owned.stage, to, allowed } };
  }
  const next = toPatched(fleet, owned, to, request);
  // A key must be remembered even if nothing else changes: it may come again with another body.
  if (!mustBeRemembered && sameJson(next, owned))
    return { kind: "settled", answer: { kind: "patched", moved: false } };
  return { kind: "write", next, answer: { kind: "patched", moved: next.stage !== owned.stage } };
}

/** The last patch of this very owner, sent again because its answer was lost: it was true, and still is. */
function repeatsTheEnd(job: Job, request: PatchRequest): boolean {
  const said = job.stage === "dead_letter" ? "failed" : job.stage;
  return (
    isFinalStage(job.stage) &&
    request.stage === said &&
    request.leaseEpoch === job.leaseEpoch &&
    request.factoryId === job.holderFactoryId &&
    REPORTED.every((field) => request[field] === undefined || sameJson(request[field], job[field]))
  );
}

/** The job after the report: with its event, unless it brings totals only. */
function toPatched(
  { clock, random }: Pick<Fleet, "clock" | "random">,
  owned: OwnedJob,
  to: Stage,
  request: PatchRequest,
): Job {
  const nowMs = clock.now();
  const report = reportOf(owned, to, request);
  const run = owned.run && { ...owned.run, insights: mergeInsights(owned.run.insights, request.insights) };
  const next: OwnedJob = { ...owned, ...report, ...(run === undefined ? {} : { run }) };
  // Work that is done counts, whatever it cost: nothing more can be spent on it.
  if (to === "shipped") return toShipped(next, report, nowMs);
  if (isOverBudget(next, nowMs)) return toOverBudget(next, report, nowMs);
  if (to === "failed") return toFailed(next, report, random, nowMs);
  if (to === owned.stage && Object.keys(report).length === 0) return next;
  const type = to === owned.stage ? "checkpointed" : "stage_changed";
  return advance(
    owned.stage,
    { ...next, stage: to },
    { type, actor: request.factoryId, data: report },
    nowMs,
  );
}

/** What the report changes, the stage apart. A failure without a word on it is an error. */
function reportOf(
  owned: OwnedJob,
  to: Stage,
  request: PatchRequest,
): Partial<Omit<Job, "stage" | "holderFactoryId">> {
  const report: Partial<PatchRequest> =
    to === "failed" ? { failure: { kind: "error" }, ...request } : request;
  const changed = REPORTED.filter(
    (field) => report[field] !== undefined && !sameJson(report[field], owned[field]),
  );
  return Object.fromEntries(changed.map((field) => [field, report[field]]));
}
