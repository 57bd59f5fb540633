/** How a job moves: what it keeps, what it forgets, and what its event tells. */
import { describe, expect, it } from "vitest";
import { advance, isOwned, runOf, toAssigned, toExpired, toReleased } from "../../shared/core/advance.js";
import { omit } from "../../shared/schema/omit.js";
import type { Job, OwnedJob, QueuedJob } from "../../shared/schema/job.js";
import { aDocument } from "../support/documents.js";

const now = Date.UTC(2026, 0, 15, 13);
const at = "2026-01-15T13:00:00.000Z";
const before = "2026-01-15T12:00:00.000Z";
const checkpoint = { wipCommit: "c0ffee" };

const aQueued = (given: Partial<Job> = {}) => aDocument.fleet_jobs(given) as QueuedJob;
const anOwned = (given: Partial<Job> = {}) =>
  aDocument.fleet_jobs({
    stage: "building",
    leaseEpoch: 3,
    attempt: 2,
    holderFactoryId: "f1",
    graceUntil: before,
    run: { startedAt: before, engine: "claude", insights: { turns: 4 } },
    ...given,
  }) as OwnedJob;

const told = (job: Job) => job.outbox.at(-1);

describe("a claimed job", () => {
  it("starts afresh: what the last owner reported, and what kept it waiting, is gone", () => {
    const waited = aQueued({
      notBefore: before,
      blockedBy: [{ jobId: "x", stage: "queued" }],
      claimId: "f0/old",
      exit: 1,
      result: { old: true },
      verifyResult: { old: true },
      recentOps: [{ op: "o", body: "b" }],
      checkpoint,
    });
    const job = toAssigned(waited, { factoryId: "f1", engine: undefined, claimId: undefined }, now);
    for (const gone of ["notBefore", "blockedBy", "claimId", "exit", "result", "verifyResult"])
      expect(job).not.toHaveProperty(gone);
    expect(job).toMatchObject({ recentOps: [], checkpoint, graceUntil: "2026-01-15T13:00:30.000Z" });
    expect(job.run).toEqual({ startedAt: at, insights: {} });
  });

  it("is told of with its engine, where there is one", () => {
    const claimer = { factoryId: "f1", claimId: "f1/c" };
    const withOne = toAssigned(aQueued(), { ...claimer, engine: "codex" }, now);
    expect(told(withOne)).toEqual({
      seq: 1,
      type: "claimed",
      at,
      actor: "f1",
      data: {
        from: "queued",
        to: "assigned",
        leaseEpoch: 1,
        attempt: 1,
        holderFactoryId: "f1",
        engine: "codex",
      },
    });
    expect(withOne).toMatchObject({ claimId: "f1/c", run: { engine: "codex" } });
    const without = toAssigned(aQueued(), { ...claimer, engine: undefined }, now);
    expect(told(without)?.data).not.toHaveProperty("engine");
  });
});

describe("a job that goes back", () => {
  const run = {
    attempt: 2,
    leaseEpoch: 3,
    factoryId: "f1",
    engine: "claude",
    startedAt: before,
    endedAt: at,
    insights: { turns: 4 },
  };

  it("when it is released has no owner, and tells of checkpoint, reason and run", () => {
    const released = toReleased(anOwned({ checkpoint }), "night", now);
    for (const gone of ["holderFactoryId", "graceUntil", "run"]) expect(released).not.toHaveProperty(gone);
    expect(released).toMatchObject({ stage: "queued", leaseEpoch: 3, attempt: 1, checkpoint });
    expect(told(released)).toEqual({
      seq: 1,
      type: "released",
      at,
      actor: "f1",
      data: { from: "building", to: "queued", leaseEpoch: 3, attempt: 1, checkpoint, reason: "night", run },
    });
    const { data } = told(toReleased(anOwned(), undefined, now)) ?? {};
    expect(Object.keys(data ?? {})).toEqual(["from", "to", "leaseEpoch", "attempt", "run"]);
  });

  it("when its lease ran out has no owner, a higher epoch, and the same attempt", () => {
    const expired = toExpired(anOwned({ checkpoint }), now);
    for (const gone of ["holderFactoryId", "graceUntil", "run"]) expect(expired).not.toHaveProperty(gone);
    expect(expired).toMatchObject({ stage: "queued", leaseEpoch: 4, attempt: 2, checkpoint });
    expect(told(expired)).toEqual({
      seq: 1,
      type: "expired",
      at,
      data: {
        from: "building",
        to: "queued",
        leaseEpoch: 4,
        attempt: 2,
        checkpoint,
        formerHolderFactoryId: "f1",
        run,
      },
    });
    expect(told(toExpired(anOwned(), now))?.data).not.toHaveProperty("checkpoint");
  });

  it("is blocked until its deps are judged, if it has any", () => {
    expect(toReleased(anOwned({ deps: ["d"] }), undefined, now).stage).toBe("blocked");
    expect(toExpired(anOwned({ deps: ["d"] }), now).stage).toBe("blocked");
  });

  it("can't, without a run: every owned job has one", () => {
    const without = omit(anOwned(), "run");
    expect(() => toExpired(without as OwnedJob, now)).toThrow("has no run");
  });
});

describe("a move", () => {
  it("changes the time of the stage only when it changes the stage", () => {
    const job = anOwned({ stageChangedAt: before, updatedAt: before });
    const moved = advance("assigned", job, { type: "stage_changed" }, now);
    expect(moved).toMatchObject({ updatedAt: at, stageChangedAt: at });
    const stayed = advance("building", job, { type: "checkpointed" }, now);
    expect(stayed).toMatchObject({ updatedAt: at, stageChangedAt: before });
  });
});

describe("the run of a job", () => {
  it("is its present or last owner's, with all that was reported", () => {
    const reported = { exit: 0, result: { pr: 7 }, verifyResult: { passed: 12 } };
    expect(runOf(anOwned(reported))).toEqual({
      id: "job-1:3",
      productId: "acme",
      schemaVersion: 1,
      jobId: "job-1",
      attempt: 2,
      leaseEpoch: 3,
      factoryId: "f1",
      engine: "claude",
      startedAt: before,
      insights: { turns: 4 },
      ...reported,
    });
    const bare = runOf(anOwned({ run: { startedAt: before, insights: {} } }));
    for (const absent of ["engine", "exit", "result", "verifyResult"])
      expect(bare).not.toHaveProperty(absent);
  });

  it("is none while nobody owns it, or ever did", () => {
    expect(runOf(aQueued())).toBeUndefined();
    const nobodys = omit(anOwned(), "holderFactoryId");
    expect(runOf(nobodys)).toBeUndefined();
    const without = omit(anOwned(), "run");
    expect(runOf(without)).toBeUndefined();
  });

  it("needs an owner in an owned stage: one without the other is nobody's job", () => {
    const nobodys = omit(anOwned(), "holderFactoryId");
    expect(isOwned(nobodys)).toBe(false);
    expect(isOwned(anOwned({ stage: "shipped" }))).toBe(false);
    expect(isOwned(anOwned())).toBe(true);
  });
});
