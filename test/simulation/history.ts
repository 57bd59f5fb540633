/**
 * What clients asked and were told, each call with the instants at which it began and ended: what they
 * could compare among themselves. `linearizable.ts` holds it against a job that has no concurrency.
 */
import type { Job } from "../../shared/schema/job.js";
import type { Identity } from "../../shared/core/fence.js";
import type { Stage } from "../../shared/schema/stages.js";
import type { KeptMap, Memory } from "./memory.js";
import type { Effect, Request } from "./seen.js";

export type Call =
  | { readonly kind: "submit"; readonly jobId: string; readonly content: string }
  | { readonly kind: "claim"; readonly factoryId: string; readonly name?: string | undefined }
  | {
      readonly kind: "patch";
      readonly jobId: string;
      readonly who: Identity;
      readonly stage?: Stage | undefined;
      readonly checkpoint?: string | undefined;
      readonly key?: string | undefined;
    }
  | { readonly kind: "renew" | "report"; readonly jobId: string; readonly who: Identity }
  | { readonly kind: "cancel" | "redrive"; readonly jobId: string }
  | {
      readonly kind: "release";
      readonly jobId: string;
      readonly who: Identity;
      readonly checkpoint?: string | undefined;
      readonly key?: string | undefined;
    }
  | {
      readonly kind: "artifact";
      readonly jobId: string;
      readonly who: Identity;
      readonly name: string;
      readonly reported: string;
      readonly key?: string | undefined;
    }
  | { readonly kind: "read"; readonly jobId: string };

/** What an answer showed of the job. */
export interface View {
  readonly stage: Stage;
  readonly epoch: number;
  readonly holder: string | undefined;
  readonly attempt: number;
  readonly checkpoint: string | undefined;
  readonly content: string;
}

export interface Answer {
  readonly kind: string;
  readonly view?: View | undefined;
}

export interface Op {
  readonly call: Call;
  readonly request: Request;
  readonly from: number;
  /** When it was answered; Infinity where the client never learned what became of it. */
  readonly to: number;
  readonly answer: Answer | undefined;
  /** The job that it is about. A claim learns it, or is judged by the job that it took without saying so. */
  readonly jobId: string | undefined;
  /** Refused without any effect, and for no reason that is this job's. */
  readonly forgotten: boolean;
}

export class History {
  /** By the name of the request. */
  readonly #ops: KeptMap<string, Op>;

  constructor(memory: Memory) {
    this.#ops = memory.map();
  }

  begins(call: Call, request: Request): void {
    this.#ops.set(request.by, {
      call,
      request,
      from: request.from,
      to: Infinity,
      answer: undefined,
      jobId: call.kind === "claim" ? undefined : call.jobId,
      forgotten: false,
    });
  }

  /** What was learned of a call; nothing if it is none that is judged. */
  learn(by: string, what: (op: Op) => Partial<Op>): void {
    const op = this.#ops.get(by);
    if (op !== undefined) this.#ops.set(by, { ...op, ...what(op) });
  }

  /** The calls on each job, in the order in which they began. To each product a job is one of its own. */
  byJob(effectsOf: (by: string) => readonly Effect[]): Map<string, Op[]> {
    const found = new Map<string, Op[]>();
    for (const op of this.#ops.values()) {
      const { by, productId } = op.request;
      const jobId = op.jobId ?? effectsOf(by).find(({ type }) => type === "claimed")?.jobId;
      if (jobId === undefined || op.forgotten) continue;
      const name = `${productId}/${jobId}`;
      found.set(name, [...(found.get(name) ?? []), op]);
    }
    return found;
  }
}

/** What tells one content of a job from another. Deps are ids. */
export function contentOf({ bodyMd, depsMode, deps }: Pick<Job, "bodyMd" | "depsMode" | "deps">): string {
  return JSON.stringify([bodyMd, depsMode, deps]);
}

export function checkpointOf(checkpoint: Job["checkpoint"]): string | undefined {
  return checkpoint && JSON.stringify(checkpoint);
}

export function viewOf(job: Job): View {
  return {
    stage: job.stage,
    epoch: job.leaseEpoch,
    holder: job.holderFactoryId,
    attempt: job.attempt,
    checkpoint: checkpointOf(job.checkpoint),
    content: contentOf(job),
  };
}
