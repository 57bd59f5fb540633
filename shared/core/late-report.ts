/**
 * What a worker reports of a run that is over. Its state is fenced, its bill is not: the tokens are spent.
 * So the report changes nothing of the job, and is added to the run itself, which is marked `superseded`
 * where the job went on without it: that is duplicate work, and shows as waste.
 *
 * One conditional write of the run document, after that was closed by what the job's event tells of it.
 * If the process dies before it, the worker, who was told nothing, reports again: totals count once. The
 * same write says that the product's totals lack what came (count-runs.ts).
 */
import type { Insights } from "../schema/insights.js";
import type { Run } from "../schema/run.js";
import type { Job } from "../schema/job.js";
import { isOwned } from "./advance.js";
import { afterWrite } from "./after-write.js";
import { backOff } from "./change-job.js";
import { countRuns } from "./count-runs.js";
import type { Identity } from "./fence.js";
import { followUp } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { sameJson } from "./hash.js";
import { mergeInsights } from "./insights.js";
import { StoreThrottled, StoreUnavailable } from "./ports/store.js";
import { closeRunOfEpoch } from "./run-history.js";
import { isTombstone } from "./tombstone.js";

/** Tries against other reports on the same run. */
const REPORT_TRIES_MAX = 8;

/** Adds the report to an ended run of this very worker. Nothing where there is none, or nothing new. */
export async function recordLateReport(
  fleet: Fleet,
  job: Job,
  who: Identity,
  report: Insights | undefined,
): Promise<void> {
  if (report === undefined || who.leaseEpoch > job.leaseEpoch || isTombstone(job)) return;
  if (isOwned(job) && who.leaseEpoch === job.leaseEpoch) return;
  await afterWrite(() => addToRun(fleet, job, who, report));
}

async function addToRun(fleet: Fleet, job: Job, who: Identity, report: Insights): Promise<void> {
  for (let attempt = 0; attempt < REPORT_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    const stored = await endedRunOf(fleet, job, who);
    if (stored === undefined) return;
    const insights = mergeInsights(stored.doc.insights, report);
    if (sameJson(insights, stored.doc.insights)) return;
    const superseded = job.leaseEpoch > who.leaseEpoch ? { superseded: true as const } : {};
    try {
      const grown: Run = { ...stored.doc, ...superseded, insights, uncounted: true };
      const outcome = await fleet.runs.replaceIfMatch(stored, grown);
      if (outcome.kind === "replaced") await followUp(fleet, [() => countRuns(fleet, [grown])]);
      if (outcome.kind !== "etag_mismatch") return;
    } catch (error) {
      // Whether it happened shows when it is read again: totals that are there need no second write.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
  throw new StoreThrottled(1);
}

/** The worker's run, as it is stored, ended. Stored later by what its event tells, it would forget the report. */
async function endedRunOf(fleet: Fleet, job: Job, who: Identity) {
  const id = `${job.id}:${who.leaseEpoch}`;
  let stored = await fleet.runs.get(job.id, id);
  if (stored?.doc.endedAt === undefined) {
    await closeRunOfEpoch(fleet, job, who.leaseEpoch);
    stored = await fleet.runs.get(job.id, id);
  }
  return stored?.doc.endedAt !== undefined && stored.doc.factoryId === who.factoryId ? stored : undefined;
}
