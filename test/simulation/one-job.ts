/**
 * A job without concurrency: what each call does to it, one after the other. Written from the contract,
 * not from the code. What no client asks for (a lease revoked, a job reaped) may happen at any time.
 */
import type { Identity } from "../../shared/core/fence.js";
import type { Answer, Call, View } from "./history.js";
import { FINAL, MOVES, NO_JOB, owned, queuedAgain } from "./one-job-state.js";
import type { OneJob } from "./one-job-state.js";

/** What may happen without a client. No epoch above `epochMax` is of interest. */
export function unasked(job: OneJob, epochMax: number): OneJob[] {
  if (!owned(job)) return [];
  const found: OneJob[] = [];
  if (!job.revoked) found.push({ ...job, revoked: true });
  if (job.epoch < epochMax) {
    found.push({ ...queuedAgain(job), epoch: job.epoch + 1 });
    // Too often: it is put aside.
    found.push({ ...queuedAgain(job), epoch: job.epoch + 1, stage: "dead_letter" });
  }
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
      return patched(job, call);
    case "renew": {
      const lost = fenced(job, call.who) ?? (job.revoked ? "lease_not_held" : undefined);
      return [{ kind: lost ?? "renewed", next: job }];
    }
    case "report":
      return reported(job, call.who);
    case "release":
      return [released(job, call)];
    case "cancel":
      return [cancelled(job)];
    case "redrive":
      return redriven(job);
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

/** Whether it was too much is the bill's to say, which the invariants watch; so either may be. */
function reported(job: OneJob, who: Identity): Outcome[] {
  const lost = fenced(job, who);
  if (lost !== undefined) return [{ kind: lost, next: job }];
  return [
    { kind: job.revoked ? "lease_not_held" : "renewed", next: job },
    {
      kind: job.revoked ? "lease_not_held" : "over_budget",
      next: { ...job, stage: "failed", revoked: false },
    },
  ];
}

function cancelled(job: OneJob): Outcome {
  if (!job.exists) return { kind: "not_found", next: job };
  if (job.cancelled) return { kind: "cancelled", next: job };
  if (FINAL.includes(job.stage)) return { kind: "illegal_transition", next: job };
  const epoch = owned(job) ? job.epoch + 1 : job.epoch;
  return { kind: "cancelled", next: { ...queuedAgain(job), stage: "failed", epoch, cancelled: true } };
}

function redriven(job: OneJob): Outcome[] {
  if (!job.exists) return [{ kind: "not_found", next: job }];
  if (job.stage !== "failed" && job.stage !== "dead_letter")
    return [{ kind: "illegal_transition", next: job }];
  return [
    { kind: "redriven", next: { ...queuedAgain(job), attempt: 0, cancelled: false } },
    { kind: "budget_spent", next: job },
  ];
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

function patched(job: OneJob, call: Extract<Call, { kind: "patch" }>): Outcome[] {
  const { who, stage, checkpoint, key } = call;
  const { name, asks, before } = remembered(job, call);
  if (before === asks) return [{ kind: "patched", next: job }];
  const repeatsTheEnd =
    FINAL.includes(job.stage) &&
    (stage === job.stage || (stage === "failed" && job.stage === "dead_letter")) &&
    who.leaseEpoch === job.epoch &&
    who.factoryId === job.holder &&
    (checkpoint === undefined || checkpoint === job.checkpoint);
  const lost = fenced(job, who);
  if (!repeatsTheEnd && lost !== undefined) return [{ kind: lost, next: job }];
  if (!repeatsTheEnd && stage !== undefined && MOVES[job.stage]?.includes(stage) !== true)
    return [{ kind: "illegal_transition", next: job }];
  if (before !== undefined) return [{ kind: "idempotency_conflict", next: job }];
  if (repeatsTheEnd) return [{ kind: "patched", next: job }];
  const next: OneJob = {
    ...job,
    stage: stage ?? job.stage,
    checkpoint: checkpoint ?? job.checkpoint,
    done: key === undefined ? job.done : { ...job.done, [name]: asks },
  };
  if (stage !== "failed") return [{ kind: "patched", next }];
  // As its policy says, which the invariants watch: over, tried again, or put aside.
  const again = { ...queuedAgain(next), holder: undefined };
  return [next, again, { ...next, stage: "dead_letter" as const }].map((ends) => ({
    kind: "patched",
    next: ends,
  }));
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
