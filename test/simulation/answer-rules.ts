/** The invariants that an answer can break: it must have been true at some instant between call and answer. */
import type { Identity } from "../../shared/core/fence.js";
import type { Fleet } from "../../shared/core/fleet.js";
import { StoreThrottled } from "../../shared/core/ports/store.js";
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import { isOwnedStage } from "../../shared/schema/stages.js";
import { viewOf } from "./history.js";
import type { Call, View } from "./history.js";
import type { Self } from "./run.js";
import { during, essence } from "./seen.js";
import type { Request } from "./seen.js";
import { Violation } from "./violation.js";

/** Refusals that tell of a job's deps, and so are in no single job's history. */
const OF_OTHER_JOBS = ["unknown_dependency", "dependency_cycle", "dependency_order"];

/** A call as it was made, for whoever judges its answer. */
export interface Told extends Request {
  readonly self: Self;
}

/**
 * Makes the call, notes what it was told, and checks that against what was so meanwhile. Refused for
 * load means that nothing was done; any other error, that nobody knows.
 */
export async function tell<A extends { kind: string }>(
  self: Self,
  call: Call | undefined,
  make: (fleet: Fleet) => Promise<A>,
  check: (answer: A, told: Told) => void,
): Promise<A> {
  const { monitor, productId } = self;
  const by = self.newRequest();
  self.judge(() => {
    monitor.begin(by, productId, call);
  });
  try {
    const answer = await make(self.serve(by));
    self.judge(() => {
      judge(self, by, answer, check);
    });
    return answer;
  } catch (error) {
    const throttled = error instanceof StoreThrottled;
    self.judge(() => {
      if (throttled) checkNothingDone(monitor.requests.get(by), "too busy (429)");
      monitor.history.learn(by, () => ({ forgotten: throttled }));
    });
    throw error;
  } finally {
    self.judge(() => {
      monitor.requests.end(by);
    });
  }
}

/** Holds an answer against what was so meanwhile, and notes what the client learned. */
function judge<A extends { kind: string }>(
  self: Self,
  by: string,
  answer: A,
  check: (answer: A, told: Told) => void,
): void {
  const { monitor, productId } = self;
  const shown = "job" in answer ? (answer.job as Job | undefined) : undefined;
  if (shown !== undefined && shown.productId !== productId)
    throw new Violation(13, `${self.name} of ${productId} was shown a job of another product`);
  check(answer, { ...monitor.requests.get(by), self });
  monitor.history.learn(by, ({ call, jobId }) => ({
    to: monitor.now,
    forgotten: OF_OTHER_JOBS.includes(answer.kind),
    jobId: jobId ?? shown?.id,
    answer: { kind: answer.kind, view: viewFor(call, answer.kind, shown) },
  }));
}

/** Of the jobs that answers show, those whose view is of the instant at which the call took effect. */
function viewFor(call: Call, kind: string, shown: Job | undefined): View | undefined {
  const exact = call.kind === "read" || (call.kind === "claim" && kind === "claimed");
  return exact && shown !== undefined ? viewOf(shown) : undefined;
}

/** 3: whoever is told that nothing was done can rely on it. */
export function checkNothingDone(request: Request, told: string): void {
  const [effect] = request.effects;
  if (effect !== undefined) throw new Violation(3, `a call was told ${told}, yet it ${effect.type}`);
  if (request.uncertain) throw new Violation(3, `a call was told ${told}, though nobody knows that`);
}

/** Effects on a job's record: a lease that was extended for nothing harms nobody. */
export function effectsOf(request: Request, types?: readonly string[]): readonly string[] {
  return request.effects
    .map(({ type }) => type)
    .filter((type) =>
      types === undefined ? type !== "lease" && type !== "heartbeat" : types.includes(type),
    );
}

/** 2: one call, one effect. */
export function checkOnce(request: Request, types: readonly string[]): void {
  const count = effectsOf(request, types).length;
  if (count > 1) throw new Violation(2, `one call had ${count} effects`);
}

/** 3: a refusal means that nothing was done to the job. */
export function checkRefused(request: Request, kind: string): void {
  const [effect] = effectsOf(request);
  if (effect !== undefined) throw new Violation(3, `a call was told ${kind}, yet it ${effect}`);
}

/** Whether some instant between call and answer had a job and a lease for which `holds`. */
export function atSomeInstant(
  { self, from }: Told,
  jobId: string,
  holds: (job: Job, lease: Lease | undefined) => boolean,
): boolean {
  const { monitor } = self;
  const jobs = during(monitor.jobs.get(jobId), from);
  const leases = during(monitor.leases.get(jobId), from);
  const instants = [...new Set([from, ...jobs.map(({ step }) => step), ...leases.map(({ step }) => step)])];
  return instants
    .filter((instant) => instant >= from)
    .some((instant) => {
      const job = jobs.findLast(({ step }) => step <= instant)?.doc;
      const lease = leases.findLast(({ step }) => step <= instant)?.doc;
      return job !== undefined && holds(job, lease);
    });
}

/** Whether some instant had all jobs of the caller's product as `holds` wants them. */
export function someMoment({ self, from }: Told, holds: (jobs: readonly Job[]) => boolean): boolean {
  const { monitor, productId } = self;
  const histories = [...monitor.jobs.values()].filter((all) => all[0]?.doc.productId === productId);
  const steps = histories.flatMap((all) => during(all, from).map(({ step }) => Math.max(step, from)));
  return [...new Set([from, ...steps])].some((instant) =>
    holds(histories.flatMap((all) => all.findLast(({ step }) => step <= instant)?.doc ?? [])),
  );
}

/** 3: the job that an answer shows was so at some instant. */
export function checkShown(told: Told, job: Job): void {
  const known = atSomeInstant(told, job.id, (was) => essence(was) === essence(job));
  if (!known) throw new Violation(3, "an answer shows a job that never was so");
}

export const owns = (job: Job, who: Identity): boolean =>
  isOwnedStage(job.stage) && job.leaseEpoch === who.leaseEpoch && job.holderFactoryId === who.factoryId;

export const isRevoked = (lease: Lease | undefined, who: Identity): boolean =>
  lease?.leaseEpoch === who.leaseEpoch && lease.status !== "held";

interface Lost {
  readonly kind: string;
  readonly currentEpoch: number;
  readonly stage: string;
}

export function isLost(answer: { readonly kind: string }): answer is Lost {
  return ["stale_lease", "not_holder", "lease_not_held"].includes(answer.kind);
}

/** 4 and 3: a worker is told that it lost only if at some instant it had, and then nothing of this call counted. */
export function checkLost(told: Told, jobId: string, who: Identity, answer: Lost): void {
  checkRefused(told, answer.kind);
  const lost = atSomeInstant(told, jobId, (job, lease) => !owns(job, who) || isRevoked(lease, who));
  if (!lost) throw new Violation(4, `the living holder ${who.factoryId} was told ${answer.kind}`);
  const shown = atSomeInstant(
    told,
    jobId,
    (job) => job.leaseEpoch === answer.currentEpoch && job.stage === answer.stage,
  );
  if (!shown) throw new Violation(3, `a refusal told of epoch ${answer.currentEpoch} and ${answer.stage}`);
}

/** 1, for claim ids: while the job that an id was granted is held, the id is granted no other. */
export function checkOneJobPerClaim(self: Self, name: string, jobId: string, who: Identity): void {
  const { grants } = self.monitor;
  const { leaseEpoch, factoryId } = who;
  const former = grants.get(name);
  const held = former && self.monitor.job(former.jobId);
  if (
    held !== undefined &&
    former?.jobId !== jobId &&
    owns(held, { factoryId, leaseEpoch: former?.leaseEpoch ?? 0 })
  ) {
    throw new Violation(1, `the claim ${name} was granted two jobs`);
  }
  grants.set(name, { jobId, leaseEpoch });
}
