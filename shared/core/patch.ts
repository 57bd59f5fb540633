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
import { omit } from "../schema/omit.js";
import { isFinalStage, workerMoves } from "../schema/stages.js";
import type { Stage } from "../schema/stages.js";
import type { Directive } from "../schema/wire.js";
import { advance } from "./advance.js";
import type { Happening } from "./advance.js";
import { endedRun } from "./advance.js";
import { changeJob, operation } from "./change-job.js";
import type { Judgement } from "./change-job.js";
import { CONTINUE, fence } from "./fence.js";
import type { Fenced } from "./fence.js";
import { finish, movedOn } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { sameJson } from "./hash.js";
import { mergeInsights } from "./insights.js";

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
    judge: (job) => judgePatch(job, request, key !== undefined, fleet.clock.now()),
    repeated: () => ({ kind: "patched", moved: false }),
  });
  if (changed.kind === "not_found") return changed;
  if (changed.kind === "idempotency_conflict") {
    return { kind: "idempotency_conflict", jobId, stage: changed.job.doc.stage };
  }
  if (changed.answer.kind !== "patched") return changed.answer;
  if (isFinalStage(changed.job.doc.stage)) await finish(fleet, changed.job);
  else if (changed.answer.moved) await movedOn(fleet, changed.job);
  return { kind: "patched", job: changed.job.doc, directive: directiveFor(changed.job.doc, request) };
}

/** What was accepted may have been lost since: by then the worker must stop. */
function directiveFor(job: Job, request: PatchRequest): Directive {
  const ended = isFinalStage(job.stage) && job.holderFactoryId === request.factoryId;
  const verdict = fence(job, request);
  return verdict.kind === "current" || (ended && job.leaseEpoch === request.leaseEpoch)
    ? CONTINUE
    : verdict.directive;
}

function judgePatch(
  job: Job,
  request: PatchRequest,
  mustBeRemembered: boolean,
  nowMs: number,
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
  const next = toPatched(owned, to, request, nowMs);
  // A key must be remembered even if nothing else changes: it may come again with another body.
  if (!mustBeRemembered && sameJson(next, owned))
    return { kind: "settled", answer: { kind: "patched", moved: false } };
  return { kind: "write", next, answer: { kind: "patched", moved: !stays } };
}

/** The last patch of this very owner, sent again because its answer was lost: it was true, and still is. */
function repeatsTheEnd(job: Job, request: PatchRequest): boolean {
  return (
    isFinalStage(job.stage) &&
    request.stage === job.stage &&
    request.leaseEpoch === job.leaseEpoch &&
    request.factoryId === job.holderFactoryId &&
    REPORTED.every((field) => request[field] === undefined || sameJson(request[field], job[field]))
  );
}

/** The job after the report: with its event, unless it brings totals only. */
function toPatched(owned: OwnedJob, to: Stage, request: PatchRequest, nowMs: number): Job {
  const reported = reportOf(owned, to, request);
  const run = owned.run && { ...owned.run, insights: mergeInsights(owned.run.insights, request.insights) };
  const next: Job = { ...owned, ...reported, ...(run === undefined ? {} : { run }), stage: to };
  const actor = request.factoryId;
  if (!isFinalStage(to)) {
    if (to === owned.stage && Object.keys(reported).length === 0) return next;
    const type = to === owned.stage ? "checkpointed" : "stage_changed";
    return advance(owned.stage, next, { type, actor, data: reported }, nowMs);
  }
  const ended: OwnedJob = { ...next, stage: owned.stage, holderFactoryId: owned.holderFactoryId };
  const happening: Happening = {
    type: to === "shipped" ? "shipped" : "failed",
    actor,
    data: { ...reported, run: endedRun(ended, nowMs) },
  };
  return advance(owned.stage, { ...omit(next, "graceUntil"), dirty: true }, happening, nowMs);
}

/** What the report changes, the stage apart. A failure without a word on it is an error. */
function reportOf(owned: OwnedJob, to: Stage, request: PatchRequest): Partial<Job> {
  const report: Partial<PatchRequest> =
    to === "failed" ? { failure: { kind: "error" }, ...request } : request;
  const changed = REPORTED.filter(
    (field) => report[field] !== undefined && !sameJson(report[field], owned[field]),
  );
  return Object.fromEntries(changed.map((field) => [field, report[field]]));
}
