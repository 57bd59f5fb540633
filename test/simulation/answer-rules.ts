/** The invariants that an answer can break: it must have been true at some instant between call and answer. */
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import { isOwnedStage } from "../../shared/schema/stages.js";
import type { Self } from "./run.js";
import { Violation } from "./violation.js";

export interface Identity {
  readonly factoryId: string;
  readonly leaseEpoch: number;
}

/** Makes the call, notes what it was told, and checks that against what was so meanwhile. */
export async function tell<A extends { kind: string }>(
  self: Self,
  what: string,
  call: () => Promise<A>,
  check: (answer: A, from: number) => void,
): Promise<A> {
  const from = self.monitor.now;
  self.monitor.begins(self.name);
  const answer = await call();
  self.monitor.told.push(`${self.name}: ${what} → ${answer.kind}`);
  check(answer, from);
  return answer;
}

/** Whether some instant between `from` and now had a job and a lease for which `holds`. */
export function atSomeInstant(
  self: Self,
  jobId: string,
  from: number,
  holds: (job: Job, lease: Lease | undefined) => boolean,
): boolean {
  const { monitor } = self;
  const jobs = monitor.during(monitor.jobs.get(jobId), from);
  const leases = monitor.during(monitor.leases.get(jobId), from);
  const instants = [...new Set([from, ...jobs.map(({ step }) => step), ...leases.map(({ step }) => step)])];
  return instants
    .filter((instant) => instant >= from)
    .some((instant) => {
      const job = jobs.findLast(({ step }) => step <= instant)?.doc;
      const lease = leases.findLast(({ step }) => step <= instant)?.doc;
      return job !== undefined && holds(job, lease);
    });
}

export const owns = (job: Job, who: Identity): boolean =>
  isOwnedStage(job.stage) && job.leaseEpoch === who.leaseEpoch && job.holderFactoryId === who.factoryId;

const revoked = (lease: Lease | undefined, who: Identity): boolean =>
  lease?.leaseEpoch === who.leaseEpoch && lease.status !== "held";

/** 4: a worker is told that it lost only if at some instant it had. */
export function checkLost(self: Self, jobId: string, who: Identity, from: number, kind: string): void {
  const lost = atSomeInstant(self, jobId, from, (job, lease) => !owns(job, who) || revoked(lease, who));
  if (!lost) throw new Violation(4, `the living holder ${who.factoryId} was told ${kind}`);
}

/** Events of a job that this caller's writes added since `from`, by type. */
function added(self: Self, jobId: string, from: number, type: string): number {
  const history = self.monitor.jobs.get(jobId) ?? [];
  return history.filter(
    ({ step, doc, by }, place) =>
      by === self.monitor.callOf(self.name) &&
      step > from &&
      doc.eventSeq > (history[place - 1]?.doc.eventSeq ?? 0) &&
      doc.outbox.at(-1)?.type === type,
  ).length;
}

export function once(self: Self, jobId: string, from: number, types: readonly string[]): void {
  const count = types.reduce((sum, type) => sum + added(self, jobId, from, type), 0);
  if (count > 1) throw new Violation(2, `one call had ${count} effects`);
}

/** 1, for claim ids: while the job that an id was granted is held, the id is granted no other. */
export function checkOneJobPerClaim(
  self: Self,
  name: string,
  jobId: string,
  { leaseEpoch, factoryId }: Identity,
): void {
  const { grants } = self.monitor;
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
