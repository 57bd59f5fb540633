/**
 * The clients of a simulation: they call the production code, and each answer is held against what the
 * documents were between call and answer.
 */
import { claim } from "../../shared/core/claim.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { patch } from "../../shared/core/patch.js";
import { readEvents } from "../../shared/core/read-events.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import { submit } from "../../shared/core/submit.js";
import { submission } from "../../shared/schema/requests.js";
import type { PatchRequest } from "../../shared/schema/requests.js";
import { isOwnedStage } from "../../shared/schema/stages.js";
import type { z } from "zod";
import { atSomeInstant, checkLost, checkOneJobPerClaim, once, owns, tell } from "./answer-rules.js";
import type { Identity } from "./answer-rules.js";
import type { Self } from "./run.js";
import { Violation } from "./violation.js";

export const PRODUCT = "acme";

const LOST = ["stale_lease", "not_holder", "lease_not_held"];

export function doClaim(self: Self, factoryId: string, claimId?: string) {
  return tell(
    self,
    "claim",
    () => claim(self.fleet, PRODUCT, { factoryId, ...(claimId === undefined ? {} : { claimId }) }),
    (answer, from) => {
      if (answer.kind !== "claimed") return;
      const who = { factoryId, leaseEpoch: answer.lease.leaseEpoch };
      const granted = atSomeInstant(
        self,
        answer.job.id,
        from,
        (job, lease) =>
          owns(job, who) &&
          lease?.status === "held" &&
          lease.leaseEpoch === who.leaseEpoch &&
          lease.holderFactoryId === factoryId,
      );
      if (!granted)
        throw new Violation(
          3,
          `${factoryId} was told that it holds a job that it never held with a live lease`,
        );
      once(self, answer.job.id, from, ["claimed"]);
      if (claimId !== undefined) checkOneJobPerClaim(self, `${factoryId}/${claimId}`, answer.job.id, who);
    },
  );
}

export function doPatch(
  self: Self,
  jobId: string,
  who: Identity,
  change: Omit<PatchRequest, "factoryId" | "leaseEpoch">,
  key?: string,
) {
  return tell(
    self,
    `patch ${change.stage ?? "checkpoint"}`,
    () => patch(self.fleet, PRODUCT, jobId, { ...who, ...change }, key),
    (answer, from) => {
      if (LOST.includes(answer.kind)) checkLost(self, jobId, who, from, answer.kind);
      if (answer.kind !== "patched") return;
      // With a key the effect may be older than this call: then it is in the job's history.
      const since = key === undefined ? from : 0;
      const applied = atSomeInstant(
        self,
        jobId,
        since,
        (job) =>
          job.leaseEpoch === who.leaseEpoch &&
          job.holderFactoryId === who.factoryId &&
          (change.stage === undefined || job.stage === change.stage) &&
          (change.checkpoint === undefined ||
            JSON.stringify(job.checkpoint) === JSON.stringify(change.checkpoint)),
      );
      if (!applied) throw new Violation(3, `${who.factoryId} was told that a patch was made that never was`);
      once(self, jobId, from, ["stage_changed", "checkpointed", "shipped", "failed"]);
    },
  );
}

export function doRenew(self: Self, jobId: string, who: Identity, turns?: number) {
  const request = { ...who, ...(turns === undefined ? {} : { insights: { turns } }) };
  return tell(
    self,
    "renew",
    () => renew(self.fleet, PRODUCT, jobId, request),
    (answer, from) => {
      if (LOST.includes(answer.kind)) checkLost(self, jobId, who, from, answer.kind);
      if (answer.kind !== "renewed") return;
      const renewed = atSomeInstant(
        self,
        jobId,
        from,
        (job, lease) =>
          owns(job, who) &&
          lease?.status === "held" &&
          lease.leaseEpoch === who.leaseEpoch &&
          lease.expiresAt === answer.lease.expiresAt,
      );
      if (!renewed)
        throw new Violation(3, `${who.factoryId} was told that a lease was renewed that was not its own`);
    },
  );
}

export function doRelease(self: Self, jobId: string, who: Identity, wipCommit?: string, key?: string) {
  const request = { ...who, ...(wipCommit === undefined ? {} : { checkpoint: { wipCommit } }) };
  return tell(
    self,
    "release",
    () => release(self.fleet, PRODUCT, jobId, request, key),
    (answer, from) => {
      if (LOST.includes(answer.kind)) checkLost(self, jobId, who, from, answer.kind);
      if (answer.kind !== "released") return;
      const since = key === undefined ? from : 0;
      const released = atSomeInstant(
        self,
        jobId,
        since,
        (job) =>
          !isOwnedStage(job.stage) &&
          job.leaseEpoch === who.leaseEpoch &&
          (wipCommit === undefined || job.checkpoint?.wipCommit === wipCommit),
      );
      if (!released) throw new Violation(3, `${who.factoryId} was told that a job was released that was not`);
      once(self, jobId, from, ["released"]);
    },
  );
}

export function doSubmit(
  self: Self,
  idempotencyKey: string,
  given: Partial<z.input<typeof submission>> = {},
) {
  const request = submission.parse({ idempotencyKey, bodyMd: "content", ...given });
  const jobId = jobIdOf(PRODUCT, idempotencyKey);
  return tell(
    self,
    `submit ${idempotencyKey}`,
    () => submit(self.fleet, PRODUCT, request),
    (answer, from) => {
      if (!("job" in answer)) return;
      const accepted = atSomeInstant(self, jobId, from, (job) =>
        answer.kind === "outdated"
          ? job.bodyMd !== request.bodyMd || job.pastHashes.length > 0
          : job.bodyMd === request.bodyMd,
      );
      if (!accepted)
        throw new Violation(8, `a submission was told ${answer.kind}, yet its content was never the job's`);
      once(self, jobId, from, ["submitted", "superseded"]);
    },
  );
}

/** 10, for a reader: what it sees begins at 1 and has no gap, however much is written meanwhile. */
export async function doReadEvents(self: Self, jobId: string): Promise<void> {
  const job = await self.fleet.jobs.get(PRODUCT, jobId);
  if (job === undefined) return;
  const { value } = await readEvents(self.fleet, job.doc, 0, 200);
  const complete = value.length === job.doc.eventSeq && value.every(({ seq }, place) => seq === place + 1);
  if (!complete)
    throw new Violation(
      10,
      `a reader saw the events ${value.map(({ seq }) => seq).join()} of ${job.doc.eventSeq}`,
    );
}

export async function beat(self: Self, factoryId: string): Promise<void> {
  const request = {
    factoryId,
    capabilities: [],
    engines: [],
    seatLimit: 100,
    load: 0,
    health: "ok" as const,
  };
  await heartbeat(self.fleet, PRODUCT, request);
}
