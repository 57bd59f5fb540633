/**
 * Retire: a job that ended long ago becomes a tombstone, and its history goes.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | D1 read the job; see that each of its runs is closed and counted | nothing happened |
 * | D2 the job, under its etag → tombstone, `dirty` | nobody can open it any more; the sweep meets it as dirty, and goes on at D3 |
 * | D3 artifacts, events, runs, lease | as after D2: what is gone already is not missed |
 * | D4 `dirty` goes | – |
 *
 * The tombstone first: with the history first, a redrive in between would open a job whose events are
 * being deleted. Runs are counted before it, so that one which turns up later, without a word of having
 * been counted, is known to be a leftover (core/count-runs.ts).
 */
import type { Job } from "../schema/job.js";
import { changeJob, operation } from "./change-job.js";
import { countRuns } from "./count-runs.js";
import { finishDirty } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { dueBefore, isDue, toTombstone } from "./tombstone.js";

/** Runs of one job that are looked through: more epochs than any job has. Past that it is left as it is. */
const RUN_PAGES_MAX = 50;
const RUN_PAGE = 200;

/** Retires the job if it is due. Returns whether this call made it a tombstone. */
export async function retire(
  fleet: Fleet,
  { productId, id }: Pick<Job, "id" | "productId">,
  untilMs: number,
): Promise<boolean> {
  const before = dueBefore(fleet);
  const job = await fleet.jobs.get(productId, id);
  if (before === undefined || job === undefined || !isDue(job.doc, before)) return false;
  if (!(await runsAreCounted(fleet, job.doc))) return false;
  const changed = await changeJob<boolean>(fleet, {
    productId,
    jobId: id,
    operation: operation(fleet, { route: "retire" }, {}),
    known: job,
    storeEvents: "always",
    judge: (now) =>
      // Another sweep was faster, or another life began: its runs are others than those that were seen.
      isDue(now, before) && now.eventSeq === job.doc.eventSeq
        ? { kind: "write", next: toTombstone(now), answer: true }
        : { kind: "settled", answer: false },
    repeated: () => true,
  });
  if (changed.kind === "not_found" || changed.kind === "idempotency_conflict" || !changed.answer)
    return false;
  await finishDirty(fleet, changed.job, untilMs);
  return true;
}

/** D1. A run that is open yet is closed by the sweep; one that is not counted is counted now. */
async function runsAreCounted(fleet: Fleet, job: Job): Promise<boolean> {
  let after = 0;
  for (let page = 0; page < RUN_PAGES_MAX; page++) {
    const runs = await fleet.runs.list(job.id, RUN_PAGE, after);
    if (runs.value.some(({ endedAt }) => endedAt === undefined)) return false;
    const uncounted = runs.value.filter((run) => run.uncounted === true);
    if (!(await countRuns(fleet, uncounted))) return false;
    if (!runs.more) return true;
    after = runs.value.at(-1)?.leaseEpoch ?? after;
  }
  return false;
}
