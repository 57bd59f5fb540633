/**
 * What an operation answered, in the words of the closed list. Moves of a job are told by the write that
 * makes them (decisions.ts); here is the rest: what was refused, found as it was, or empty.
 */
import type { Added } from "./add-artifact.js";
import type { Operation, REFUSALS } from "../schema/decision.js";
import type { Claimed } from "./claim.js";
import type { Patched } from "./patch.js";
import type { Log } from "./ports/runtime.js";
import type { Cancelled } from "./cancel.js";
import type { Redriven } from "./redrive.js";
import type { Released } from "./release.js";
import type { Renewed } from "./renew.js";
import type { Submitted } from "./submit.js";

export type Outcome = Submitted | Claimed | Patched | Renewed | Released | Cancelled | Redriven | Added;

/**
 * Who asked for what. A submission names no job and no factory, a claim no job; and what they are answered
 * needs none.
 */
export interface Asked {
  readonly operation: Operation;
  readonly productId: string;
  readonly jobId?: string;
  readonly factoryId?: string;
  readonly leaseEpoch?: number;
}

/** Tells of an outcome, unless a write has told of it, or the request was wrong in itself: that is no decision. */
export function tellOutcome(log: Log, asked: Asked, outcome: Outcome): void {
  const { operation, productId, jobId = "", factoryId = "", leaseEpoch = 0 } = asked;
  switch (outcome.kind) {
    case "created":
    case "superseded":
    case "claimed":
    case "unknown_profile":
    case "too_many_lanes":
    case "patched":
    case "released":
    case "cancelled":
    case "redriven":
    case "artifact_added":
      return;
    case "existing":
    case "outdated": {
      const { id, stage } = outcome.job;
      log.decision({ decision: outcome.kind, productId, jobId: id, stage });
      return;
    }
    case "nothing":
      log.decision({ decision: "claim_empty", productId, factoryId, reason: outcome.reason });
      return;
    case "renewed": {
      if (outcome.directive.action === "stop") return;
      const { renewals, leaseSeconds = 0 } = outcome.lease;
      const who = { productId, jobId, factoryId, leaseEpoch };
      log.decision({ decision: "renewed", ...who, renewals, leaseSeconds });
      return;
    }
    case "stale_lease":
    case "not_holder":
    case "lease_not_held": {
      const { kind: reason, currentEpoch, stage } = outcome;
      const who = { productId, jobId, factoryId, leaseEpoch };
      log.decision({ decision: "fenced", operation, reason, ...who, currentEpoch, stage });
      return;
    }
    case "idempotency_conflict":
    case "artifact_name_taken":
    case "dependency_cycle":
    case "dependency_order":
    case "unknown_dependency":
    case "illegal_transition":
    case "budget_spent":
    case "queue_full":
    case "factory_not_registered":
    case "factory_unavailable":
    case "not_found":
      refused(log, asked, outcome);
  }
}

type Refusal = Extract<Outcome, { kind: keyof typeof CODES | (typeof REFUSALS)[number] }>;

/** The codes of refusals that are not named as they are. */
const CODES = {
  budget_spent: "validation_failed",
  artifact_name_taken: "idempotency_conflict",
  queue_full: "throttled",
} as const;

function codeOf(kind: Refusal["kind"]): (typeof REFUSALS)[number] {
  return kind === "budget_spent" || kind === "artifact_name_taken" || kind === "queue_full"
    ? CODES[kind]
    : kind;
}

function refused(log: Log, asked: Asked, outcome: Refusal): void {
  const named = "jobId" in outcome ? outcome.jobId : asked.jobId;
  log.decision({
    decision: "refused",
    operation: asked.operation,
    reason: codeOf(outcome.kind),
    productId: asked.productId,
    ...(named === undefined ? {} : { jobId: named }),
    ...(asked.factoryId === undefined ? {} : { factoryId: asked.factoryId }),
  });
}
