/**
 * A job without concurrency: what each call does to it, one after the other. Written from the contract,
 * not from the code. What no client asks for (a lease revoked, a job reaped) may happen at any time.
 */
import type { Identity } from "../../shared/core/fence.js";
import type { Stage } from "../../shared/schema/stages.js";
import type { Answer, Call, View } from "./history.js";

export interface OneJob {
  readonly exists: boolean;
  readonly content: string;
  readonly past: readonly string[];
  /** `queued` stands for blocked, too: no client decides which. */
  readonly stage: Stage;
  readonly epoch: number;
  readonly attempt: number;
  readonly holder: string | undefined;
  readonly claimName: string | undefined;
  readonly checkpoint: string | undefined;
  readonly revoked: boolean;
  /** Claimed by a call that was not told so: it may give the job back by itself. */
  readonly unsaid: boolean;
  /** The keys of this epoch's accepted operations, with what they asked for. */
  readonly done: Readonly<Record<string, string>>;
  /** What was said of each artifact, by epoch and name. */
  readonly artifacts: Readonly<Record<string, string>>;
}

export const NO_JOB: OneJob = {
  exists: false,
  content: "",
  past: [],
  stage: "queued",
  epoch: 0,
  attempt: 0,
  holder: undefined,
  claimName: undefined,
  checkpoint: undefined,
  revoked: false,
  unsaid: false,
  done: {},
  artifacts: {},
};

const OWNED: readonly Stage[] = ["assigned", "building", "review", "testing"];
const FINAL: readonly Stage[] = ["shipped", "failed", "dead_letter"];
const MOVES: Partial<Record<Stage, readonly Stage[]>> = {
  assigned: ["building", "review", "testing", "shipped", "failed"],
  building: ["building", "review", "testing", "shipped", "failed"],
  review: ["review", "building", "testing", "shipped", "failed"],
  testing: ["testing", "building", "review", "shipped", "failed"],
};

const owned = (job: OneJob): boolean => OWNED.includes(job.stage);
const queuedAgain = (job: OneJob): OneJob => ({
  ...job,
  stage: "queued",
  holder: undefined,
  revoked: false,
  unsaid: false,
});

/** What may happen without a client. No epoch above `epochMax` is of interest. */
export function unasked(job: OneJob, epochMax: number): OneJob[] {
  if (!owned(job)) return [];
  const found: OneJob[] = [];
  if (!job.revoked) found.push({ ...job, revoked: true });
  if (job.epoch < epochMax) found.push({ ...queuedAgain(job), epoch: job.epoch + 1 });
  if (job.unsaid) found.push({ ...queuedAgain(job), attempt: job.attempt - 1, claimName: undefined });
  return found;
}

/** The states in which the call may leave the job, given what it was told; none where that can't be. */
export function after(job: OneJob, call: Call, answer: Answer | undefined): OneJob[] {
  const outcomes = outcomesOf(job, call);
  if (answer === undefined) {
    // Nobody knows: it had its effect, or never will.
    return [job, ...outcomes.map(({ next }) => (call.kind === "claim" ? { ...next, unsaid: true } : next))];
  }
  if (call.kind === "claim" && answer.kind === "nothing") {
    return [job, ...outcomes.map(({ next }) => ({ ...next, unsaid: true }))];
  }
  return outcomes
    .filter(
      ({ kind, next }) => kind === answer.kind && (answer.view === undefined || shows(next, answer.view)),
    )
    .map(({ next }) => next);
}

function shows(job: OneJob, view: View): boolean {
  return (
    job.stage === (view.stage === "blocked" ? "queued" : view.stage) &&
    job.epoch === view.epoch &&
    job.holder === view.holder &&
    job.attempt === view.attempt &&
    job.checkpoint === view.checkpoint &&
    job.content === view.content
  );
}

interface Outcome {
  readonly kind: string;
  readonly next: OneJob;
}

function outcomesOf(job: OneJob, call: Call): Outcome[] {
  switch (call.kind) {
    case "submit":
      return [submitted(job, call.content)];
    case "claim":
      return claimed(job, call.factoryId, call.name);
    case "patch":
      return [patched(job, call)];
    case "renew": {
      const lost = fenced(job, call.who) ?? (job.revoked ? "lease_not_held" : undefined);
      return [{ kind: lost ?? "renewed", next: job }];
    }
    case "release":
      return [released(job, call)];
    case "artifact":
      return [artifactAdded(job, call)];
    case "read":
      return [{ kind: job.exists ? "found" : "not_found", next: job }];
  }
}

function submitted(job: OneJob, content: string): Outcome {
  if (!job.exists) return { kind: "created", next: { ...NO_JOB, exists: true, content } };
  if (job.content === content) return { kind: "existing", next: job };
  if (job.past.includes(content)) return { kind: "outdated", next: job };
  if (job.stage !== "queued") return { kind: "idempotency_conflict", next: job };
  const past = [...job.past, job.content];
  return { kind: "superseded", next: { ...job, content, past, attempt: 0, checkpoint: undefined } };
}

function claimed(job: OneJob, factoryId: string, name: string | undefined): Outcome[] {
  const outcomes: Outcome[] = [];
  if (job.exists && job.stage === "queued") {
    const next: OneJob = {
      ...job,
      stage: "assigned",
      epoch: job.epoch + 1,
      attempt: job.attempt + 1,
      holder: factoryId,
      claimName: name,
      done: {},
    };
    outcomes.push({ kind: "claimed", next });
  }
  const again = name !== undefined && owned(job) && job.claimName === name && !job.revoked;
  if (again) outcomes.push({ kind: "claimed", next: { ...job, unsaid: false } });
  return outcomes;
}

function fenced(job: OneJob, who: Identity): string | undefined {
  if (!job.exists) return "not_found";
  if (who.leaseEpoch !== job.epoch) return "stale_lease";
  if (!owned(job)) return "lease_not_held";
  return job.holder === who.factoryId ? undefined : "not_holder";
}

type Keyed = Extract<Call, { kind: "patch" | "release" | "artifact" }>;

/** What a key says of this operation at this epoch: done before, or used for something else. */
function remembered(job: OneJob, call: Keyed): { name: string; asks: string; before: string | undefined } {
  const { kind, who, key } = call;
  const name = JSON.stringify([kind, who.factoryId, key]);
  const asks = JSON.stringify(call);
  const known = key !== undefined && who.leaseEpoch === job.epoch;
  return { name, asks, before: known ? job.done[name] : undefined };
}

function patched(job: OneJob, call: Extract<Call, { kind: "patch" }>): Outcome {
  const { who, stage, checkpoint, key } = call;
  const { name, asks, before } = remembered(job, call);
  if (before === asks) return { kind: "patched", next: job };
  const repeatsTheEnd =
    FINAL.includes(job.stage) &&
    stage === job.stage &&
    who.leaseEpoch === job.epoch &&
    who.factoryId === job.holder &&
    (checkpoint === undefined || checkpoint === job.checkpoint);
  const lost = fenced(job, who);
  if (!repeatsTheEnd && lost !== undefined) return { kind: lost, next: job };
  if (!repeatsTheEnd && stage !== undefined && MOVES[job.stage]?.includes(stage) !== true)
    return { kind: "illegal_transition", next: job };
  if (before !== undefined) return { kind: "idempotency_conflict", next: job };
  if (repeatsTheEnd) return { kind: "patched", next: job };
  const next: OneJob = {
    ...job,
    stage: stage ?? job.stage,
    checkpoint: checkpoint ?? job.checkpoint,
    done: key === undefined ? job.done : { ...job.done, [name]: asks },
  };
  return { kind: "patched", next };
}

function released(job: OneJob, call: Extract<Call, { kind: "release" }>): Outcome {
  const { name, asks, before } = remembered(job, call);
  if (before === asks) return { kind: "released", next: job };
  const lost = fenced(job, call.who);
  if (lost !== undefined) return { kind: lost, next: job };
  if (before !== undefined) return { kind: "idempotency_conflict", next: job };
  const next: OneJob = {
    ...queuedAgain(job),
    attempt: job.attempt - 1,
    checkpoint: call.checkpoint ?? job.checkpoint,
    done: call.key === undefined ? job.done : { ...job.done, [name]: asks },
  };
  return { kind: "released", next };
}

function artifactAdded(job: OneJob, call: Extract<Call, { kind: "artifact" }>): Outcome {
  const { name, asks, before } = remembered(job, call);
  if (before === asks) return { kind: "artifact_added", next: job };
  const lost = fenced(job, call.who);
  if (lost !== undefined) return { kind: lost, next: job };
  const id = `${job.epoch}/${call.name}`;
  const known = job.artifacts[id] ?? call.reported;
  if (known !== call.reported) return { kind: "artifact_name_taken", next: job };
  if (before !== undefined) return { kind: "idempotency_conflict", next: job };
  const next: OneJob = {
    ...job,
    artifacts: { ...job.artifacts, [id]: known },
    done: call.key === undefined ? job.done : { ...job.done, [name]: asks },
  };
  return { kind: "artifact_added", next };
}
