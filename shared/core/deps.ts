/**
 * Dependencies. A job with deps is written `blocked`, and `unblock`ed by a second write that has seen
 * each of them satisfied. Whoever satisfies a dependency wakes its dependants after its own write:
 * of the two, the later one sees the other's, so no wake-up is lost.
 *
 * No cycle can be stored: every job has an immutable `order`, larger than that of each of its deps, so
 * an edge always goes to a smaller order. No lock is needed, and clocks may disagree.
 */
import type { BlockedBy, Job } from "../schema/job.js";
import { BLOCKED_BY_MAX } from "../schema/limits.js";
import { omit } from "../schema/omit.js";
import { isFinalStage, satisfiesDependants } from "../schema/stages.js";
import { advance } from "./advance.js";
import { changeJob, operation } from "./change-job.js";
import type { Judgement } from "./change-job.js";
import type { Fleet } from "./fleet.js";
import { toFailedWithDep } from "./endings.js";
import { sameJson } from "./hash.js";
import type { Stored } from "./ports/store.js";

/** Documents that the search for a cycle reads before it settles for "not allowed": 1 to 2 s on
 * Cosmos DB, for an error message. */
const CYCLE_READS_MAX = 1000;
const CYCLE_READS_AT_ONCE = 50;

/** The jobs that `deps` name, in their order; undefined where there is none. */
export async function readDeps(
  fleet: Fleet,
  productId: string,
  deps: readonly string[],
): Promise<(Job | undefined)[]> {
  return Promise.all(deps.map(async (dep) => (await fleet.jobs.get(productId, dep))?.doc));
}

/**
 * Moves a blocked job to `queued` if each of its deps is satisfied, else names those that are missing;
 * where one of them ended without success, and the job says so, it fails with it, and is `dirty`.
 * Does nothing to a job in another stage. Repeatable. Returns the job as it is afterwards.
 */
export async function unblock(
  fleet: Fleet,
  job: Pick<Job, "id" | "productId">,
  known?: Stored<Job>,
): Promise<Stored<Job> | undefined> {
  const changed = await changeJob<undefined>(fleet, {
    productId: job.productId,
    jobId: job.id,
    operation: operation(fleet, { route: "unblock" }, {}),
    known,
    storeEvents: "when_half_full",
    // The deps are read after the job whose etag guards the write: what was seen satisfied was so
    // between that read and this write.
    judge: async (blocked) =>
      judgeBlocked(blocked, await readDeps(fleet, blocked.productId, blocked.deps), fleet.clock.now()),
    repeated: () => undefined,
  });
  return changed.kind === "not_found" ? undefined : changed.job;
}

function judgeBlocked(job: Job, deps: readonly (Job | undefined)[], nowMs: number): Judgement<undefined> {
  if (job.stage !== "blocked") return { kind: "settled", answer: undefined };
  const missing = missingOf(job, deps);
  const lost = missing.find(({ stage }) => isFinalStage(stage));
  if (lost !== undefined && job.onDependencyFailure === "fail")
    return { kind: "write", next: toFailedWithDep(job, lost, nowMs), answer: undefined };
  if (missing.length === 0) {
    const next = advance(
      "blocked",
      { ...omit(job, "blockedBy"), stage: "queued" },
      { type: "unblocked" },
      nowMs,
    );
    return { kind: "write", next, answer: undefined };
  }
  // What has failed comes first: without it, the list would not say why nothing happens.
  const over = missing.filter(({ stage }) => isFinalStage(stage));
  const blockedBy = [...over, ...missing.filter(({ stage }) => !isFinalStage(stage))].slice(
    0,
    BLOCKED_BY_MAX,
  );
  // Told again only when it means something else to whoever waits: a dep that moves on is still missing.
  if (sameJson(waitsFor(blockedBy), waitsFor(job.blockedBy))) return { kind: "settled", answer: undefined };
  const next = advance("blocked", { ...job, blockedBy }, { type: "blocked", data: { blockedBy } }, nowMs);
  return { kind: "write", next, answer: undefined };
}

function waitsFor(blockedBy: BlockedBy | undefined): unknown {
  return blockedBy?.map(({ jobId, stage }) => [jobId, isFinalStage(stage) ? stage : "open"]);
}

function missingOf(job: Job, deps: readonly (Job | undefined)[]): BlockedBy {
  return job.deps.flatMap((jobId, index) => {
    const dep = deps[index];
    if (dep === undefined)
      throw new Error(`job ${job.id} depends on ${jobId}, which is gone: jobs are never deleted`);
    return satisfiesDependants(dep.stage, job.depsMode) ? [] : [{ jobId, stage: dep.stage }];
  });
}

/**
 * Judges the blocked dependants of `dep` again, `limit` at most and none after `untilMs`. For a dep that
 * failed, too: they then name it, or fail with it, and then so do theirs. Returns whether that were all.
 */
export async function wakeDependants(
  fleet: Fleet,
  dep: Job,
  limit: number,
  untilMs: number,
): Promise<"all" | "some"> {
  const { productId } = dep;
  const settled: Pick<Job, "id" | "stage">[] = [dep];
  let left = limit;
  for (let next = settled.pop(); next !== undefined; next = settled.pop()) {
    if (left <= 0) return "some";
    const which = next.stage === "testing" ? "soft" : "all";
    const page = await fleet.jobs.blockedOn(productId, next.id, which, left);
    for (const { id } of page.value) {
      if (fleet.clock.now() > untilMs) return "some";
      left--;
      const judged = (await unblock(fleet, { id, productId }))?.doc;
      if (judged?.dirty === true) settled.push(judged);
    }
    if (page.more) return "some";
  }
  return "all";
}

/** An order for a job with these deps: its age, unless a dep is younger by its instance's clock. Microseconds. */
export function orderOf(deps: readonly Job[], nowMs: number): number {
  return Math.max(Math.round(nowMs * 1000), ...deps.map((dep) => dep.order + 1));
}

/**
 * Why `jobId`, whose order is fixed, may not depend on `deps`: undefined when it may. Only jobs of a
 * larger order can lead back to it, so only they are searched, breadth first, `CYCLE_READS_MAX` at most.
 */
export async function refuseEdges(
  fleet: Fleet,
  job: Pick<Job, "id" | "productId" | "order">,
  deps: readonly Job[],
): Promise<
  { kind: "dependency_cycle"; cycle: string[] } | { kind: "dependency_order"; deps: string[] } | undefined
> {
  const younger = deps.filter((dep) => dep.order >= job.order);
  if (younger.length === 0) return undefined;
  const parent = new Map<string, string>(younger.map((dep) => [dep.id, job.id]));
  let frontier: readonly Job[] = younger;
  while (frontier.length > 0 && parent.size <= CYCLE_READS_MAX) {
    const found: string[] = [];
    for (const from of frontier) {
      if (from.deps.includes(job.id))
        return { kind: "dependency_cycle", cycle: cycleThrough(from.id, job.id, parent) };
      for (const to of from.deps.filter((dep) => !parent.has(dep))) {
        parent.set(to, from.id);
        found.push(to);
      }
    }
    frontier = await readYounger(fleet, job, found);
  }
  return { kind: "dependency_order", deps: younger.map((dep) => dep.id) };
}

/** Those of the jobs that can lead back to `job`, a few at a time: each document may be large. */
async function readYounger(
  fleet: Fleet,
  job: Pick<Job, "productId" | "order">,
  ids: readonly string[],
): Promise<Job[]> {
  const younger: Job[] = [];
  for (let start = 0; start < Math.min(ids.length, CYCLE_READS_MAX); start += CYCLE_READS_AT_ONCE) {
    const reached = await readDeps(fleet, job.productId, ids.slice(start, start + CYCLE_READS_AT_ONCE));
    younger.push(...reached.filter((dep) => dep !== undefined).filter((dep) => dep.order > job.order));
  }
  return younger;
}

/** The cycle that `last` closes: jobId → … → last → jobId, each depending on the next. */
function cycleThrough(last: string, jobId: string, parent: ReadonlyMap<string, string>): string[] {
  const path = [last, jobId];
  for (let at = parent.get(last); at !== undefined && at !== jobId; at = parent.get(at)) path.unshift(at);
  return [jobId, ...path];
}
