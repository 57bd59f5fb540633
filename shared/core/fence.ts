/**
 * The fence: a write by a worker counts only if the job, as just read, is owned by that factory at that
 * epoch. It looks at the job alone. A lease can be lost without the job knowing and the other way
 * round for a moment; only one document may decide, and the write that follows replaces that document
 * under the etag that was judged here.
 */
import type { Job, OwnedJob } from "../schema/job.js";
import type { Stage } from "../schema/stages.js";
import type { Directive } from "../schema/wire.js";
import { isOwned } from "./advance.js";

/** Who a worker says it is: its factory, and the epoch that its claim was given. */
export interface Identity {
  readonly factoryId: string;
  readonly leaseEpoch: number;
}

export interface Fenced {
  /** `stale_lease`: another epoch. `not_holder`: this epoch, another factory. `lease_not_held`: nobody's now. */
  readonly kind: "stale_lease" | "not_holder" | "lease_not_held";
  readonly currentEpoch: number;
  readonly stage: Stage;
  readonly directive: Directive;
}

export const CONTINUE: Directive = { action: "continue" };
export const STOP_LEASE_LOST: Directive = { action: "stop", reason: "lease_lost" };
export const STOP_OVER_BUDGET: Directive = { action: "stop", reason: "over_budget" };

export function fence(job: Job, who: Identity): { kind: "current"; job: OwnedJob } | Fenced {
  if (who.leaseEpoch !== job.leaseEpoch) return fenced("stale_lease", job);
  if (!isOwned(job)) return fenced("lease_not_held", job);
  if (job.holderFactoryId !== who.factoryId) return fenced("not_holder", job);
  return { kind: "current", job };
}

/** Why whoever held the job must stop. */
function stopReason({ stage, failure }: Job): "cancelled" | "over_budget" | "lease_lost" {
  if (stage === "failed" && failure?.kind === "cancelled") return "cancelled";
  if (stage === "failed" && failure?.kind === "over_budget") return "over_budget";
  return "lease_lost";
}

/** The refusal, with what the worker needs to know to stop. */
export function fenced(kind: Fenced["kind"], job: Job): Fenced {
  return {
    kind,
    currentEpoch: job.leaseEpoch,
    stage: job.stage,
    directive: { action: "stop", reason: stopReason(job) },
  };
}
