/**
 * What an operation answered, in the words of the closed list. Moves of a job are told by the write that
 * makes them (decisions.ts); here is the rest: what was refused, found as it was, or empty.
 */
import type { Added } from "./add-artifact.js";
import type { Operation } from "../schema/decision.js";
import type { Claimed } from "./claim.js";
import type { Patched } from "./patch.js";
import type { Log } from "./ports/runtime.js";
import type { Released } from "./release.js";
import type { Renewed } from "./renew.js";
import type { Submitted } from "./submit.js";

export type Outcome = Submitted | Claimed | Patched | Renewed | Released | Added;

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

/** Tells of an outcome, unless a write has told of it. */
export function tellOutcome(log: Log, asked: Asked, outcome: Outcome): void {
  const { operation, productId, jobId = "", factoryId = "", leaseEpoch = 0 } = asked;
  switch (outcome.kind) {
    case "created":
    case "superseded":
    case "claimed":
    case "patched":
    case "released":
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
      const { renewals, leaseSeconds } = outcome.lease;
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
    case "factory_not_registered":
    case "factory_unavailable":
    case "not_found": {
      const named = "jobId" in outcome ? outcome.jobId : asked.jobId;
      log.decision({
        decision: "refused",
        operation,
        reason: outcome.kind === "artifact_name_taken" ? "idempotency_conflict" : outcome.kind,
        productId,
        ...(named === undefined ? {} : { jobId: named }),
        ...(asked.factoryId === undefined ? {} : { factoryId: asked.factoryId }),
      });
    }
  }
}
