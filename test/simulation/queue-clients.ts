/** The clients that fill the queue and empty it: submissions and claims, and how their answers are judged. */
import { claim } from "../../shared/core/claim.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { submit } from "../../shared/core/submit.js";
import type { Submitted } from "../../shared/core/submit.js";
import type { Job } from "../../shared/schema/job.js";
import { submission } from "../../shared/schema/requests.js";
import { isOwnedStage } from "../../shared/schema/stages.js";
import type { z } from "zod";
import {
  atSomeInstant,
  checkOneJobPerClaim,
  checkRefused,
  checkShown,
  effectsOf,
  owns,
  someMoment,
  tell,
} from "./answer-rules.js";
import type { Told } from "./answer-rules.js";
import { contentOf } from "./history.js";
import { checkGrantedProfile } from "./profile-clients.js";
import type { Self } from "./run.js";
import { during } from "./seen.js";
import { asItWas } from "./tombstone-rules.js";
import { Violation } from "./violation.js";

export function doClaim(self: Self, factoryId: string, claimId?: string) {
  const name = claimId === undefined ? undefined : `${factoryId}/${claimId}`;
  return tell(
    self,
    { kind: "claim", factoryId, name },
    (fleet) => claim(fleet, self.productId, { factoryId, ...(claimId === undefined ? {} : { claimId }) }),
    (answer, told) => {
      if (effectsOf(told, ["claimed"]).length > 1) throw new Violation(2, "one claim took two jobs");
      switch (answer.kind) {
        case "claimed": {
          const who = { factoryId, leaseEpoch: answer.lease.leaseEpoch };
          checkGranted(told, answer.job, who);
          checkGrantedProfile(told, answer.job, answer.run);
          self.monitor.told.set(`${answer.job.id}/${who.leaseEpoch}`, true);
          if (name !== undefined) checkOneJobPerClaim(self, `${self.productId}/${name}`, answer.job.id, who);
          return;
        }
        case "nothing":
          checkLeftNothing(told, factoryId);
          checkReason(told, factoryId, name, answer.reason);
          return;
        case "factory_not_registered":
          // It may have reported since it was looked for.
          if (
            self.monitor.factories
              .get(`${self.productId}/${factoryId}`)
              ?.some(({ step }) => step <= told.from)
          )
            throw new Violation(3, `${factoryId} was told that it is not registered`);
          return;
        case "factory_unavailable":
          throw new Violation(3, `${factoryId} was told that it is ${answer.why}`);
      }
    },
  );
}

function checkGranted(told: Told, job: Job, who: { factoryId: string; leaseEpoch: number }): void {
  const granted = atSomeInstant(
    told,
    job.id,
    (now, lease) =>
      owns(now, who) &&
      lease?.status === "held" &&
      lease.leaseEpoch === who.leaseEpoch &&
      lease.holderFactoryId === who.factoryId,
  );
  if (!granted)
    throw new Violation(
      3,
      `${who.factoryId} was told that it holds a job that it never held with a live lease`,
    );
  if (told.effects.some(({ type, jobId }) => type === "claimed" && jobId !== job.id))
    throw new Violation(2, "a claim took another job than it was told");
  checkShown(told, job);
}

/**
 * 3: who is told that it got nothing does not own, through this call, a job whose lease lives; unless a
 * repetition of the same claim was granted it as well.
 */
function checkLeftNothing({ effects, self, by }: Told, factoryId: string): void {
  for (const { type, jobId, leaseEpoch } of effects) {
    const job = self.monitor.job(jobId);
    const lease = self.monitor.lease(jobId);
    const grants = self.monitor.leases.get(jobId)?.filter(({ doc }) => doc.leaseEpoch === leaseEpoch) ?? [];
    const alone = grants.length > 0 && grants.every((lease) => lease.by === by);
    const lives = alone && lease?.status === "held" && lease.leaseEpoch === leaseEpoch;
    if (type === "claimed" && job !== undefined && owns(job, { factoryId, leaseEpoch }) && lives)
      throw new Violation(3, `${factoryId} was told that it got nothing, yet holds a job`);
  }
}

/** 3: why there was nothing was so at some instant. What may be a moment old is not judged when it was. */
function checkReason(told: Told, factoryId: string, name: string | undefined, reason: string): void {
  const { monitor, productId } = told.self;
  const isHeldAs = (job: Job): boolean =>
    name !== undefined && job.claimId === name && isOwnedStage(job.stage);
  const truths: Record<string, () => boolean> = {
    claim_ended: () =>
      [...monitor.jobs.values()].some((all) =>
        all.some(({ doc }) => name !== undefined && doc.claimId === name),
      ) && someMoment(told, (jobs) => !jobs.some(isHeldAs)),
    seat_limit: () => {
      // Whichever of the factory's heartbeats was in force meanwhile: it may have said another number since.
      const said = during(monitor.factories.get(`${productId}/${factoryId}`), told.from);
      const seats = Math.min(...said.map(({ doc }) => doc.seatLimit));
      const held = (job: Job): boolean => job.holderFactoryId === factoryId && isOwnedStage(job.stage);
      return someMoment(told, (jobs) => jobs.filter(held).length >= seats);
    },
    // One that waits for its time is there or not, by the clock of whoever asks.
    no_job: () =>
      told.shownOld ||
      someMoment(
        told,
        (jobs) => !jobs.some(({ stage, notBefore }) => stage === "queued" && notBefore === undefined),
      ),
    // Lost to another; or what this claim had before was taken away, or is one of two.
    contended: () =>
      told.shownOld ||
      told.effects.length > 0 ||
      someMoment(told, (jobs) => jobs.some((job) => job.stage === "queued" || isHeldAs(job))),
    no_matching_capabilities: () =>
      told.shownOld || someMoment(told, (jobs) => jobs.some(({ capabilities }) => capabilities.length > 0)),
  };
  if (truths[reason]?.() !== true)
    throw new Violation(3, `${factoryId} was told ${reason}, which never was so`);
}

export function doSubmit(
  self: Self,
  idempotencyKey: string,
  given: Partial<z.input<typeof submission>> = {},
) {
  const request = submission.parse({ idempotencyKey, bodyMd: "content", ...given });
  const jobId = jobIdOf(self.productId, idempotencyKey);
  const deps = request.deps.map((dep) =>
    dep.startsWith("key:") ? jobIdOf(self.productId, dep.slice(4)) : dep,
  );
  const content = contentOf({ ...request, deps });
  return tell(
    self,
    { kind: "submit", jobId, content },
    async (fleet) => {
      const answer = await submit(fleet, self.productId, request);
      return answer;
    },
    (answer, told) => {
      checkSubmitted(told, jobId, content, deps, answer);
    },
  );
}

export function checkSubmitted(
  told: Told,
  jobId: string,
  content: string,
  deps: readonly string[],
  answer: Submitted,
): void {
  const { monitor, productId } = told.self;
  const did = effectsOf(told, ["submitted", "superseded"]);
  const was = (holds: (job: Job) => boolean): boolean =>
    atSomeInstant(told, jobId, (job) => holds(asItWas(monitor, job)));
  const hasBeen = (job: Job): boolean =>
    (monitor.jobs.get(jobId) ?? []).some(({ doc }) => contentOf(doc) === content) &&
    contentOf(job) !== content;
  const existed = (dep: string): boolean =>
    monitor.jobs.get(dep)?.some(({ step, doc }) => step <= told.from && doc.productId === productId) === true;
  const fail = (why: string): never => {
    throw new Violation(8, `a submission was told ${answer.kind}, yet ${why}`);
  };
  if (did.length > 1) throw new Violation(2, `one submission had ${did.length} effects`);
  switch (answer.kind) {
    case "created":
    case "superseded":
      if (did[0] !== (answer.kind === "created" ? "submitted" : "superseded")) fail("it was not");
      if (!was((job) => contentOf(job) === content)) fail("its content was never the job's");
      return;
    case "existing":
      if (did.length > 0) fail("it was this very call that wrote it");
      if (!was((job) => contentOf(job) === content)) fail("its content was never the job's");
      return;
    case "outdated":
      if (did.length > 0) fail("it was this very call that wrote it");
      if (!was(hasBeen)) fail("its content was not superseded");
      return;
    case "idempotency_conflict":
      checkRefused(told, answer.kind);
      if (!was((job) => contentOf(job) !== content && job.stage !== "queued" && job.stage !== "blocked"))
        fail("the job was open, or the same");
      return;
    case "too_many_lanes":
      throw new Violation(3, "a product of a few jobs has too many lanes");
    case "queue_full":
      throw new Violation(3, "a queue without a bound is full");
    case "unknown_profile":
      checkRefused(told, answer.kind);
      if (monitor.profiles.has(`${productId}/${answer.profile.split(":")[0] ?? ""}`)) fail("it has versions");
      return;
    case "unknown_dependency":
      checkRefused(told, answer.kind);
      // Another product's job is none of this one's.
      if (deps.every((dep) => existed(dep))) fail("all of its deps were there");
      return;
    case "dependency_cycle":
    case "dependency_order": {
      checkRefused(told, answer.kind);
      const order = monitor.job(jobId)?.order ?? Infinity;
      const younger = deps.some((dep) => dep === jobId || (monitor.job(dep)?.order ?? 0) >= order);
      if (!younger) fail("all of its deps are older");
      const cycle = answer.kind === "dependency_cycle" ? answer.cycle : [];
      const edge = (from: string, to: string): boolean =>
        from === jobId || monitor.jobs.get(from)?.some(({ doc }) => doc.deps.includes(to)) === true;
      if (cycle.some((from, place) => place + 1 < cycle.length && !edge(from, cycle[place + 1] ?? "")))
        fail("the cycle is none");
    }
  }
}
