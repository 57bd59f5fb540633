/** The clients that end jobs and bring them back: cancel, redrive, a factory that starts anew, and reports of money. */
import { cancel } from "../../shared/core/cancel.js";
import type { Identity } from "../../shared/core/fence.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { redrive } from "../../shared/core/redrive.js";
import { renew } from "../../shared/core/renew.js";
import type { Insights } from "../../shared/schema/insights.js";
import type { Job } from "../../shared/schema/job.js";
import type { Run as RunDocument } from "../../shared/schema/run.js";
import type { RedriveRequest } from "../../shared/schema/requests.js";
import { isFinalStage } from "../../shared/schema/stages.js";
import {
  atSomeInstant,
  checkLost,
  checkOnce,
  checkRefused,
  checkShown,
  isLost,
  owns,
  tell,
} from "./answer-rules.js";
import type { Told } from "./answer-rules.js";
import type { Self } from "./run.js";
import { is, typeOf } from "./seen.js";
import { Violation } from "./violation.js";

const isCancelled = ({ stage, failure }: Job): boolean => stage === "failed" && failure?.kind === "cancelled";
const isOver = ({ stage, failure }: Job): boolean => stage === "failed" && failure?.kind === "over_budget";

export function doCancel(self: Self, jobId: string, key?: string) {
  return tell(
    self,
    { kind: "cancel", jobId },
    (fleet) => cancel(fleet, self.productId, jobId, {}, key),
    (answer, told) => {
      checkOnce(told, ["cancelled"]);
      if (answer.kind === "cancelled") {
        const since = key === undefined ? told : { ...told, from: 0 };
        if (!atSomeInstant(since, jobId, isCancelled))
          throw new Violation(3, "a job was told to be cancelled that never was");
        if (key === undefined) checkShown(told, answer.job);
        return;
      }
      checkRefused(told, answer.kind);
      if (answer.kind !== "illegal_transition") return;
      const ended = atSomeInstant(told, jobId, (job) => isFinalStage(job.stage) && !isCancelled(job));
      if (!ended) throw new Violation(3, `a cancel was refused from ${answer.from}`);
    },
  );
}

export function doRedrive(self: Self, jobId: string, request: RedriveRequest = {}, key?: string) {
  return tell(
    self,
    { kind: "redrive", jobId },
    (fleet) => redrive(fleet, self.productId, jobId, request, key),
    (answer, told) => {
      checkOnce(told, ["redriven"]);
      const was = (holds: (job: Job) => boolean): boolean => atSomeInstant(told, jobId, holds);
      switch (answer.kind) {
        case "redriven":
          if (key === undefined && !told.effects.some(({ type }) => type === "redriven"))
            throw new Violation(2, "a redrive was told without an effect");
          checkShown(told, answer.job);
          return;
        case "illegal_transition":
          checkRefused(told, answer.kind);
          if (!was(({ stage, tombstone }) => tombstone || (stage !== "failed" && stage !== "dead_letter")))
            throw new Violation(3, `a redrive was refused from ${answer.from}`);
          return;
        case "queue_full":
          throw new Violation(3, "a queue without a bound is full");
        case "budget_spent":
        case "idempotency_conflict":
        case "not_found":
          checkRefused(told, answer.kind);
      }
    },
  );
}

/**
 * A renewal that reports what was spent. Where that is too much, the very answer says so. What was reported
 * is somewhere: on the job, or on the run of this worker.
 */
export function doReport(self: Self, jobId: string, who: Identity, insights: Insights) {
  return tell(
    self,
    { kind: "report", jobId, who },
    async (fleet) => {
      const answer = await renew(fleet, self.productId, jobId, { ...who, insights });
      const isOver = answer.kind === "renewed" && answer.directive.action === "stop";
      return isOver ? { ...answer, kind: "over_budget" as const } : answer;
    },
    (answer, told) => {
      if (answer.kind === "not_found") throw new Violation(3, "a job that exists was not found");
      checkRecorded(self, jobId, who, insights);
      if (isLost(answer)) {
        checkLost(told, jobId, who, answer);
        checkDirective(told, jobId, answer.directive);
        return;
      }
      if (answer.directive.action === "continue") {
        if (!atSomeInstant(told, jobId, (job) => owns(job, who)))
          throw new Violation(3, "a worker was told to go on that had lost");
        return;
      }
      if (!atSomeInstant(told, jobId, (job) => isOver(job) && job.leaseEpoch === who.leaseEpoch))
        throw new Violation(3, "a worker was stopped over a budget that was not exhausted");
    },
  );
}

/** 16: no money that a worker was told is recorded is lost: it is with the job, in an event of its, or with the run. */
function checkRecorded({ monitor }: Self, jobId: string, who: Identity, { tokensIn = 0 }: Insights): void {
  const job = monitor.job(jobId);
  if (job === undefined || monitor.owners.get(`${jobId}/${who.leaseEpoch}`) !== who.factoryId) return;
  const ended = job.outbox.map(({ data }) => data["run"] as RunDocument | undefined);
  const known = [
    job.leaseEpoch === who.leaseEpoch ? job.run?.insights.tokensIn : undefined,
    monitor.runs.get(`${jobId}:${who.leaseEpoch}`)?.insights.tokensIn,
    ...ended.map((run) => (run?.leaseEpoch === who.leaseEpoch ? run.insights.tokensIn : undefined)),
  ];
  if (Math.max(...known.map((tokens) => tokens ?? 0)) < tokensIn)
    throw new Violation(16, "what a worker reported is recorded nowhere");
}

/** 3: why a worker must stop was so at some instant. */
function checkDirective(told: Told, jobId: string, directive: { action: string; reason?: string }): void {
  const why = directive.reason;
  const isSo =
    { cancelled: isCancelled, over_budget: isOver }[why ?? ""] ??
    ((job: Job) => !isCancelled(job) && !isOver(job));
  if (!atSomeInstant(told, jobId, isSo))
    throw new Violation(3, `a worker was told to stop: ${why ?? "nothing"}`);
}

/** A heartbeat of one start of the factory's program. Afterwards nothing that a former start claimed is its own. */
export function doBoot(self: Self, factoryId: string, bootId: string) {
  const request = {
    factoryId,
    capabilities: [],
    engines: [],
    seatLimit: 100,
    load: 0,
    health: "ok" as const,
    bootId,
  };
  return tell(
    self,
    undefined,
    (fleet) => heartbeat(fleet, self.productId, request),
    (answer, told) => {
      const known = self.monitor.factories.get(`${self.productId}/${factoryId}`) ?? [];
      const isFormer = known.some(({ doc }) => doc.formerBootIds?.includes(bootId) === true);
      if (answer.kind === "former") {
        if (!isFormer) throw new Violation(3, "a boot was told that it is over, though no other began");
        if (told.effects.length > 0) throw new Violation(2, "a boot that is over had an effect");
        return;
      }
      const wasOver = known.some(
        ({ step, doc }) => step < told.from && doc.formerBootIds?.includes(bootId) === true,
      );
      if (wasOver) throw new Violation(3, "a boot was recorded that was over");
      checkEvicted(told, known.at(-1)?.doc.formerBootIds ?? []);
      for (const { jobId, leaseEpoch } of answer.leases) {
        const own = atSomeInstant(
          told,
          jobId,
          (job) =>
            owns(job, { factoryId, leaseEpoch }) && (job.bootId === undefined || job.bootId === bootId),
        );
        if (!own && !isFormer)
          throw new Violation(3, "a boot was told that it holds what a former one claimed");
      }
    },
  );
}

/** 4: a heartbeat takes back what a boot that is over claimed, and nothing else. */
function checkEvicted({ self, by }: Told, over: readonly string[]): void {
  for (const history of self.monitor.jobs.values()) {
    for (const [place, { doc, by: writer }] of history.entries()) {
      const before = history[place - 1]?.doc;
      if (before === undefined || writer !== by || !is(typeOf(before, doc), ["expired", "dead_lettered"]))
        continue;
      if (!over.includes(before.bootId ?? ""))
        throw new Violation(4, "a heartbeat took back a job that no former boot had claimed");
    }
  }
}
