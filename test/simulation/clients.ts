/**
 * The clients of a simulation: they call the production code, and each answer is held against what the
 * documents were between call and answer.
 */
import type { Identity } from "../../shared/core/fence.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { patch } from "../../shared/core/patch.js";
import { readEvents } from "../../shared/core/read-events.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import type { Insights } from "../../shared/schema/insights.js";
import type { PatchRequest } from "../../shared/schema/requests.js";
import type { Stage } from "../../shared/schema/stages.js";
import { isOwnedStage } from "../../shared/schema/stages.js";
import {
  atSomeInstant,
  checkLost,
  checkOnce,
  checkRefused,
  checkShown,
  effectsOf,
  isLost,
  owns,
  tell,
} from "./answer-rules.js";
import { checkpointOf } from "./history.js";
import type { Self } from "./run.js";
import { Violation } from "./violation.js";

const PATCHES = ["stage_changed", "checkpointed", "shipped", "failed", "retry_scheduled", "dead_lettered"];

/** 3: "not found" only of what is not there, for this product. */
export function checkNotFound(self: Self, jobId: string): void {
  if (self.monitor.job(jobId)?.productId === self.productId)
    throw new Violation(3, "a job that exists was not found");
}

export function doPatch(
  self: Self,
  jobId: string,
  who: Identity,
  change: Omit<PatchRequest, "factoryId" | "leaseEpoch">,
  key?: string,
) {
  const { stage } = change;
  const checkpoint = checkpointOf(change.checkpoint);
  return tell(
    self,
    { kind: "patch", jobId, who, stage, checkpoint, key },
    (fleet) => patch(fleet, self.productId, jobId, { ...who, ...change }, key),
    (answer, told) => {
      if (isLost(answer)) {
        checkLost(told, jobId, who, answer);
        return;
      }
      switch (answer.kind) {
        case "not_found":
          checkNotFound(self, jobId);
          return;
        case "illegal_transition": {
          checkRefused(told, answer.kind);
          const was = atSomeInstant(told, jobId, (job) => owns(job, who) && job.stage === answer.from);
          if (!was) throw new Violation(3, `a patch was refused from ${answer.from}`);
          return;
        }
        case "idempotency_conflict":
          checkRefused(told, answer.kind);
          return;
        case "patched": {
          // With a key the effect may be older than this call: then it is in the job's history.
          const since = key === undefined ? told : { ...told, from: 0 };
          const applied = atSomeInstant(
            since,
            jobId,
            (job) =>
              job.leaseEpoch === who.leaseEpoch &&
              (job.holderFactoryId === who.factoryId || stage === "failed") &&
              (stage === undefined || isWhatBecameOf(stage, job.stage)) &&
              (checkpoint === undefined || checkpointOf(job.checkpoint) === checkpoint),
          );
          if (!applied)
            throw new Violation(3, `${who.factoryId} was told that a patch was made that never was`);
          checkShown(told, answer.job);
          checkOnce(told, PATCHES);
        }
      }
    },
  );
}

/** A failure may be tried again, or put the job aside. */
function isWhatBecameOf(asked: Stage, stage: Stage): boolean {
  return asked === stage || (asked === "failed" && ["queued", "blocked", "dead_letter"].includes(stage));
}

export function doRenew(self: Self, jobId: string, who: Identity, turns?: number) {
  const request = { ...who, ...(turns === undefined ? {} : { insights: { turns } }) };
  return tell(
    self,
    { kind: "renew", jobId, who },
    (fleet) => renew(fleet, self.productId, jobId, request),
    (answer, told) => {
      if (isLost(answer)) {
        checkLost(told, jobId, who, answer);
        return;
      }
      if (answer.kind === "not_found") {
        checkNotFound(self, jobId);
        return;
      }
      const { expiresAt } = answer.lease;
      const renewed = atSomeInstant(
        told,
        jobId,
        (job, lease) =>
          owns(job, who) &&
          lease?.status === "held" &&
          lease.leaseEpoch === who.leaseEpoch &&
          lease.expiresAt === expiresAt,
      );
      if (!renewed)
        throw new Violation(3, `${who.factoryId} was told that a lease was renewed that was not its own`);
      const counted = atSomeInstant(told, jobId, (job) => (job.run?.insights.turns ?? 0) >= (turns ?? 0));
      if (!counted) throw new Violation(3, "what a renewal reported was not recorded");
    },
  );
}

export function doRelease(
  self: Self,
  jobId: string,
  who: Identity,
  wipCommit?: string,
  key?: string,
  insights: Insights = {},
) {
  const checkpoint = wipCommit === undefined ? undefined : { wipCommit };
  const request = { ...who, insights, ...(checkpoint === undefined ? {} : { checkpoint }) };
  return tell(
    self,
    { kind: "release", jobId, who, checkpoint: checkpointOf(checkpoint), key },
    (fleet) => release(fleet, self.productId, jobId, request, key),
    (answer, told) => {
      if (isLost(answer)) {
        checkLost(told, jobId, who, answer);
        return;
      }
      if (answer.kind === "not_found") checkNotFound(self, jobId);
      if (answer.kind === "idempotency_conflict") checkRefused(told, answer.kind);
      if (answer.kind !== "released") return;
      const released = atSomeInstant(
        key === undefined ? told : { ...told, from: 0 },
        jobId,
        (job) =>
          !isOwnedStage(job.stage) &&
          job.leaseEpoch === who.leaseEpoch &&
          (wipCommit === undefined || job.checkpoint?.wipCommit === wipCommit),
      );
      if (!released) throw new Violation(3, `${who.factoryId} was told that a job was released that was not`);
      checkShown(told, answer.job);
      checkOnce(told, ["released"]);
    },
  );
}

/** 10 and 13, for a reader: what it sees begins at 1 and has no gap, however much is written meanwhile. */
export function doReadEvents(self: Self, jobId: string) {
  return tell(
    self,
    { kind: "read", jobId },
    async (fleet) => {
      const job = await fleet.jobs.get(self.productId, jobId);
      if (job === undefined) return { kind: "not_found" as const };
      const { value } = await readEvents(fleet, job.doc, 0, 200);
      return { kind: "found" as const, job: job.doc, value };
    },
    (answer, told) => {
      if (answer.kind === "not_found") {
        checkNotFound(self, jobId);
        return;
      }
      const { job, value } = answer;
      checkShown(told, job);
      const complete = value.length === job.eventSeq && value.every(({ seq }, place) => seq === place + 1);
      // Of a job that is a tombstone by now, what retention has left.
      const beginning = value.every(({ seq }, place) => seq === place + 1);
      if (!complete && !(beginning && self.monitor.job(jobId)?.tombstone))
        throw new Violation(
          10,
          `a reader saw the events ${value.map(({ seq }) => seq).join()} of ${job.eventSeq}`,
        );
    },
  );
}

export async function beat(
  self: Self,
  factoryId: string,
  seatLimit = 100,
  capabilities: string[] = [],
): Promise<void> {
  const request = { factoryId, capabilities, engines: [], seatLimit, load: 0, health: "ok" as const };
  await tell(
    self,
    undefined,
    (fleet) => heartbeat(fleet, self.productId, request),
    (answer, told) => {
      // One that came at the same moment stands for it.
      const beaten = self.monitor.factories.get(`${self.productId}/${factoryId}`);
      if (beaten?.some(({ doc }) => doc.lastHeartbeatAt >= answer.factory.lastHeartbeatAt) !== true)
        throw new Violation(3, "a heartbeat was answered that was not recorded");
      if (effectsOf(told, ["heartbeat"]).length > 1)
        throw new Violation(2, "one heartbeat was recorded twice");
      for (const lease of answer.leases) {
        const who = { factoryId, leaseEpoch: lease.leaseEpoch };
        if (!atSomeInstant(told, lease.jobId, (job) => owns(job, who)))
          throw new Violation(3, `${factoryId} was told of a lease that it does not hold`);
      }
    },
  );
}
