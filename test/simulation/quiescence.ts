/**
 * What must be so when faults stop: two passes of the sweep bring every job to a legal resting state,
 * and while a capable factory keeps claiming, every job ends, or rests blocked behind one that failed.
 */
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import type { Job } from "../../shared/schema/job.js";
import type { Run as RunDocument } from "../../shared/schema/run.js";
import { isFinalStage, isOwnedStage, satisfiesDependants } from "../../shared/schema/stages.js";
import { PRODUCT, beat, doClaim, doPatch } from "./clients.js";
import type { Run } from "./run.js";
import { Violation } from "./violation.js";

/** More claims than any scenario has jobs, by far. */
const CLAIMS_MAX = 1000;

export async function checkQuiescence(run: Run): Promise<void> {
  // Longer than every lease, grace and skew.
  run.advance(10_000);
  await twoPasses(run);
  checkResting(run);
  await finishEverything(run);
  await twoPasses(run);
  checkResting(run);
  for (const job of jobsOf(run)) {
    if (isFinalStage(job.stage)) continue;
    const behindAFailure =
      job.stage === "blocked" &&
      depsOf(run, job).some(({ stage }) => stage === "failed" || stage === "blocked");
    if (!behindAFailure)
      throw new Violation("liveness", `a job stays ${job.stage}, though a factory keeps claiming`);
  }
}

async function twoPasses(run: Run): Promise<void> {
  const { fleet } = run.calm("sweeper");
  const sweep = startSweep(fleet);
  for (let pass = 0; pass < 2; pass++) {
    const { failed } = await reapAndSweep(fleet, sweep);
    run.mustBeSound();
    if (failed > 0) throw new Violation("liveness", "a step of the sweep fails without a fault");
  }
}

function jobsOf(run: Run): Job[] {
  return run.store.all("fleet_jobs") as unknown as Job[];
}

function depsOf(run: Run, job: Job): Job[] {
  return job.deps.map((id) => run.store.get("fleet_jobs", PRODUCT, id) as unknown as Job);
}

function checkResting(run: Run): void {
  for (const job of jobsOf(run)) {
    if (isOwnedStage(job.stage)) throw new Violation("liveness", "a job is owned by the dead");
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
  }
  for (const document of run.store.all("fleet_runs") as unknown as RunDocument[]) {
    if (document.endedAt === undefined)
      throw new Violation("liveness", `the run of epoch ${document.leaseEpoch} stays open`);
  }
}

async function finishEverything(run: Run): Promise<void> {
  const last = run.calm("last-factory");
  await beat(last, "last-factory");
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
