/**
 * What must be so when faults stop: two passes of the sweep bring every job to a legal resting state,
 * and while a capable factory keeps claiming, every job ends, or rests blocked behind one that failed.
 */
import { listArtifacts } from "../../shared/core/list-artifacts.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import type { EventDocument } from "../../shared/schema/event.js";
import type { Job } from "../../shared/schema/job.js";
import type { Run as RunDocument } from "../../shared/schema/run.js";
import { isFinalStage, isOwnedStage, satisfiesDependants } from "../../shared/schema/stages.js";
import { beat, doPatch } from "./clients.js";
import { doClaim } from "./queue-clients.js";
import { PRODUCT, RULES } from "./run.js";
import type { Run } from "./run.js";
import { Violation } from "./violation.js";

/** More claims than any scenario has jobs, by far. */
const CLAIMS_MAX = 1000;
/** A store operation then, in milliseconds: so that a tick has only so much time, as in life. */
const OPERATION_MS = 20;
/** Jobs that one tick gets through for certain: 3.5 s for a kind, at up to 10 operations each. */
const JOBS_PER_TICK = 17;

export async function checkQuiescence(run: Run): Promise<void> {
  // Longer than every lease, grace and skew.
  run.advance(10_000);
  await twoPasses(run);
  checkResting(run);
  for (const productId of new Set(jobsOf(run).map((job) => job.productId))) {
    await finishEverything(run, productId);
  }
  await twoPasses(run);
  checkResting(run);
  await checkArtifacts(run);
  for (const job of jobsOf(run)) {
    if (isFinalStage(job.stage)) continue;
    const behindAFailure =
      job.stage === "blocked" &&
      depsOf(run, job).some(({ stage }) => ["failed", "dead_letter", "blocked"].includes(stage));
    if (!behindAFailure)
      throw new Violation("liveness", `a job stays ${job.stage}, though a factory keeps claiming`);
  }
}

/** A pass is one full wrap: as many ticks as it takes to come by every job, and one that wraps. */
async function twoPasses(run: Run): Promise<void> {
  const { fleet } = run.calm("sweeper", PRODUCT, OPERATION_MS);
  const sweep = startSweep(fleet);
  const ticks = 2 * (1 + Math.ceil(jobsOf(run).length / JOBS_PER_TICK));
  for (let tick = 0; tick < ticks; tick++) {
    const { failed } = await reapAndSweep(fleet, sweep);
    run.mustBeSound();
    if (failed > 0) throw new Violation("liveness", "a step of the sweep fails without a fault");
  }
}

function jobsOf(run: Run): Job[] {
  return documents(run, "fleet_jobs");
}

function depsOf(run: Run, job: Job): Job[] {
  return job.deps.map((id) => run.store.get("fleet_jobs", job.productId, id) as unknown as Job);
}

function checkResting(run: Run): void {
  for (const job of jobsOf(run)) {
    if (isOwnedStage(job.stage)) throw new Violation("liveness", "a job is owned by the dead");
    if (job.stage === "queued" && job.lane === undefined)
      throw new Violation("liveness", "a job waits in no lane");
    if (job.dirty) throw new Violation("liveness", "a final job is dirty");
    if (
      job.stage === "blocked" &&
      depsOf(run, job).every((dep) => satisfiesDependants(dep.stage, job.depsMode))
    ) {
      throw new Violation("liveness", "a job is blocked though its deps are satisfied");
    }
    const lease = run.monitor.lease(job.id);
    if (lease?.status === "held")
      throw new Violation("liveness", "a lease is held on a job that nobody owns");
    if (isFinalStage(job.stage) && !job.tombstone && run.monitor.storedEvents(job.id).size !== job.eventSeq)
      throw new Violation("liveness", "a final job's events are not all stored");
  }
  checkRuns(run);
  checkRetired(run, jobsOf(run));
  run.monitor.ledger.checkComplete();
}

/** When faults have stopped: what is due is a tombstone, and of a tombstone nothing else is left. */
function checkRetired(run: Run, jobs: readonly Job[]): void {
  const before = run.setting().nowMs - RULES.retentionDays * 86_400_000;
  for (const job of jobs) {
    const due = isFinalStage(job.stage) && Date.parse(job.stageChangedAt) < before;
    if (due && !job.tombstone) throw new Violation("liveness", "a job that is due is no tombstone");
    if (!job.tombstone) continue;
    for (const container of ["fleet_events", "fleet_runs", "fleet_leases", "fleet_artifacts"] as const)
      if (
        run.store.all(container).some((doc) => doc["jobId"] === job.id && !run.monitor.leftovers.has(doc.id))
      )
        throw new Violation("liveness", `a tombstone still has its ${container}`);
  }
}

/** Each epoch that was ever claimed and is over has its run: stored, or in an event that the job still holds. */
function checkRuns(run: Run): void {
  const stored = new Map(documents<RunDocument>(run, "fleet_runs").map((found) => [found.id, found]));
  const open = [...stored.values()].find(({ endedAt }) => endedAt === undefined);
  if (open !== undefined) throw new Violation("liveness", `the run of epoch ${open.leaseEpoch} stays open`);
  const waiting = documents<Job>(run, "fleet_jobs").flatMap((job) =>
    job.outbox.map((event) => ({ ...event, jobId: job.id })),
  );
  const told = new Set<string>();
  for (const { jobId, data } of waiting) {
    if (data["run"] !== undefined) told.add(`${jobId}:${String((data["run"] as RunDocument).leaseEpoch)}`);
  }
  for (const { type, jobId, data } of [...documents<EventDocument>(run, "fleet_events"), ...waiting]) {
    const id = `${jobId}:${String(data["leaseEpoch"])}`;
    if (type === "claimed" && !stored.has(id) && !told.has(id))
      throw new Violation("liveness", `the run ${id} is missing`);
  }
}

/** 19: what the events added is listed, no more and no less; what has left a job's outbox has its pointer. */
async function checkArtifacts(run: Run): Promise<void> {
  const { fleet } = run.calm("reader", PRODUCT);
  for (const job of jobsOf(run)) {
    const added = job.tombstone ? [] : run.monitor.artifacts.of(job.id);
    const { value } = await listArtifacts(fleet, job, Math.max(1, added.length));
    run.mustBeSound();
    const listed = value.map(({ artifact }) => artifact.id).sort();
    if (
      listed.join() !==
      added
        .map(([id]) => id)
        .sort()
        .join()
    )
      throw new Violation(19, "the artifacts that are listed are not those that were added");
  }
}

function documents<T>(run: Run, container: "fleet_jobs" | "fleet_runs" | "fleet_events"): T[] {
  return run.store.all(container) as unknown as T[];
}

async function finishEverything(run: Run, productId: string): Promise<void> {
  const last = run.calm("last-factory", productId, OPERATION_MS);
  await beat(last, "last-factory", 100, ["gpu", "linux", "mac"]);
  for (let n = 0; n < CLAIMS_MAX; n++) {
    const claimed = await doClaim(last, "last-factory");
    if (claimed.kind !== "claimed") return;
    const who = { factoryId: "last-factory", leaseEpoch: claimed.job.leaseEpoch };
    const shipped = await doPatch(last, claimed.job.id, who, { stage: "shipped" });
    run.mustBeSound();
    if (shipped.kind !== "patched")
      throw new Violation("liveness", `a factory that is alone is told ${shipped.kind}`);
  }
}
