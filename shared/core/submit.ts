/**
 * Submit: a product's idempotency key names one job, for ever. The job's id is made from the key, so
 * creating the document *is* reserving the key, and of twenty submissions at once one creates it.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | S1 read the deps: they exist, and give the job its order; so does the profile | nothing happened |
 * | S2 register its lane, if that is new (lanes.ts) | a lane without jobs |
 * | S3 create the job, `queued`, or `blocked` with deps | a repetition finds it: `existing`, and S4 runs again |
 * | S4 judge its deps (`unblock`) | the sweep judges it |
 *
 * A key that exists: same content → `existing`. A content that was superseded before → `outdated`: a
 * late duplicate must not undo what came after it. Still queued or blocked → `superseded`. Else refused.
 */
import type { Job } from "../schema/job.js";
import { PAST_HASHES_MAX, SCHEMA_VERSION } from "../schema/limits.js";
import { toInstant } from "../schema/primitives.js";
import type { Submission } from "../schema/requests.js";
import type { Stage } from "../schema/stages.js";
import { advance, entryStage } from "./advance.js";
import { afterWrite } from "./after-write.js";
import { changeJob, operation } from "./change-job.js";
import type { Judgement, Operation } from "./change-job.js";
import { contentFields, contentHashOf, contentOf, resolveDeps } from "./content.js";
import type { Content } from "./content.js";
import { tell } from "./decisions.js";
import { orderOf, readDeps, refuseEdges } from "./deps.js";
import { entered } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { jobIdOf } from "./hash.js";
import { ensureLane } from "./lanes.js";
import { StoreUnavailable } from "./ports/store.js";
import type { Stored } from "./ports/store.js";
import { findUnknown } from "./profiles.js";
import { isThere, withRoom } from "./queue-room.js";
import type { QueueFull } from "./queue-room.js";

export type SubmitRefusal =
  | { kind: "idempotency_conflict"; jobId: string; stage: Stage }
  | { kind: "dependency_cycle"; cycle: string[] }
  | { kind: "dependency_order"; deps: string[] }
  | { kind: "unknown_dependency"; missing: string[] }
  /** The profile that it names, and that the product does not have. */
  | { kind: "unknown_profile"; profile: string }
  /** It asks for a set of requirements that is new, and the product has as many as it may have. */
  | { kind: "too_many_lanes" }
  /** It would make one more job wait than the product may have. Nothing was written. */
  | QueueFull;
export type Submitted =
  { kind: "created" | "existing" | "superseded" | "outdated"; job: Job } | SubmitRefusal;

type Verdict = { kind: "created" | "existing" | "superseded" | "outdated" } | SubmitRefusal;

/** Creates of one submission whose answers were lost, before it is said that nobody knows. */
const CREATE_TRIES_MAX = 3;

/** Creates, finds or supersedes the job that the submission's key names. */
export function submit(fleet: Fleet, productId: string, submission: Submission): Promise<Submitted> {
  const once = (full?: QueueFull): Promise<Submitted> => submitOnce(fleet, productId, submission, full);
  return withRoom(fleet, productId, once, ({ kind }) => kind === "created");
}

/** `full`: the queue has no room for a new job. One that is there may still be found, or superseded. */
async function submitOnce(
  fleet: Fleet,
  productId: string,
  submission: Submission,
  full: QueueFull | undefined,
): Promise<Submitted> {
  const { idempotencyKey } = submission;
  const id = jobIdOf(productId, idempotencyKey);
  const named = resolveDeps(productId, submission.deps);
  const content = contentOf(productId, submission, [...named.keys()]);
  if (named.has(id)) return { kind: "dependency_cycle", cycle: [id, id] };
  if (full !== undefined && !(await isThere(fleet, productId, id))) return full;

  const [found, profile] = await Promise.all([
    readDeps(fleet, productId, content.deps),
    findUnknown(fleet, productId, content.profile),
  ]);
  if (profile !== undefined) return { kind: "unknown_profile", profile };
  const missing = [...named.values()].filter((_, index) => found[index] === undefined);
  if (missing.length > 0) return { kind: "unknown_dependency", missing };
  const deps = found.filter((dep) => dep !== undefined);
  if ((await ensureLane(fleet, productId, content)) === "too_many") return { kind: "too_many_lanes" };

  const op: Operation = { ...operation(fleet, { route: "submit" }, content), survivesClaim: true };
  const job = newJob(fleet, { id, productId, idempotencyKey }, content, deps, op);
  let mayHaveHappened = false;
  let outage: unknown;
  for (let attempt = 0; attempt < CREATE_TRIES_MAX; attempt++) {
    // Once a create may have happened, nothing may say that nothing was done.
    const guarded = <T>(work: () => Promise<T>): Promise<T> => (mayHaveHappened ? afterWrite(work) : work());
    const created = await guarded(() => create(fleet, job));
    if (created.kind === "created") {
      tell(fleet, undefined, job);
      return { kind: "created", job: await entered(fleet, created.job) };
    }
    if (created.kind === "unknown") {
      mayHaveHappened = true;
      ({ outage } = created);
    }
    const answer = await guarded(() => resubmit(fleet, job, content, deps, op));
    if (answer !== "not_found") return answer;
  }
  throw new StoreUnavailable("whether the job was created is not known", outage);
}

/** The key is taken, or our own create happened without an answer: the document that is there tells. */
async function resubmit(
  fleet: Fleet,
  created: Job,
  content: Content,
  deps: readonly Job[],
  op: Operation,
): Promise<Submitted | "not_found"> {
  const { id, productId } = created;
  const changed = await changeJob<Verdict>(fleet, {
    productId,
    jobId: id,
    operation: op,
    storeEvents: "always",
    judge: (job) => judgeResubmission(fleet, job, content, deps),
    // Only this very call can find itself: the operation's name is new with each. The first content of a
    // job is the one that created it, whatever superseded it since.
    repeated: (job) => {
      const [first = job.contentHash] = job.pastHashes;
      return { kind: first === contentHashOf(content) ? "created" : "superseded" };
    },
  });
  if (changed.kind === "not_found") return "not_found";
  if (changed.kind === "idempotency_conflict") throw new Error("a submission's operation is never repeated");
  const verdict = changed.answer;
  if (verdict.kind === "created") tell(fleet, undefined, created);
  switch (verdict.kind) {
    case "created":
    case "existing":
    case "superseded":
    case "outdated":
      return { kind: verdict.kind, job: await entered(fleet, changed.job) };
    case "idempotency_conflict":
    case "dependency_cycle":
    case "dependency_order":
    case "unknown_dependency":
    case "unknown_profile":
    case "too_many_lanes":
    case "queue_full":
      return verdict;
  }
}

/** S3. `taken`: the key has a job. `unknown`: nobody knows whether it was created. */
async function create(
  fleet: Fleet,
  doc: Job,
): Promise<{ kind: "created"; job: Stored<Job> } | { kind: "taken" } | { kind: "unknown"; outage: unknown }> {
  try {
    const outcome = await fleet.jobs.create(doc);
    return outcome.kind === "created"
      ? { kind: "created", job: { doc, etag: outcome.etag } }
      : { kind: "taken" };
  } catch (error) {
    if (error instanceof StoreUnavailable) return { kind: "unknown", outage: error };
    throw error;
  }
}

async function judgeResubmission(
  fleet: Fleet,
  job: Job,
  content: Content,
  deps: readonly Job[],
): Promise<Judgement<Verdict>> {
  const contentHash = contentHashOf(content);
  if (contentHash === job.contentHash) return { kind: "settled", answer: { kind: "existing" } };
  if (job.pastHashes.includes(contentHash)) return { kind: "settled", answer: { kind: "outdated" } };
  const open = job.stage === "queued" || job.stage === "blocked";
  if (!open || job.pastHashes.length >= PAST_HASHES_MAX) {
    return { kind: "refused", answer: { kind: "idempotency_conflict", jobId: job.id, stage: job.stage } };
  }
  const refusal = await refuseEdges(fleet, job, deps);
  if (refusal !== undefined) return { kind: "refused", answer: refusal };
  return {
    kind: "write",
    next: toSuperseded(job, content, fleet.clock.now()),
    answer: { kind: "superseded" },
  };
}

/** The same key with another content. What the former content achieved is gone; who may write, and history, stay. */
function toSuperseded(job: Job, content: Content, nowMs: number): Job {
  const next: Job = {
    ...contentFields(content),
    id: job.id,
    productId: job.productId,
    schemaVersion: SCHEMA_VERSION,
    idempotencyKey: job.idempotencyKey,
    pastHashes: [...job.pastHashes, job.contentHash],
    stage: entryStage(content.deps),
    order: job.order,
    leaseEpoch: job.leaseEpoch,
    ...(job.claimId === undefined ? {} : { claimId: job.claimId }),
    attempt: 0,
    eventSeq: job.eventSeq,
    outbox: job.outbox,
    recentOps: job.recentOps,
    createdAt: job.createdAt,
    updatedAt: job.updatedAt,
    stageChangedAt: job.stageChangedAt,
  };
  return advance(job.stage, next, { type: "superseded", data: { contentHash: next.contentHash } }, nowMs);
}

function newJob(
  fleet: Fleet,
  name: Pick<Job, "id" | "productId" | "idempotencyKey">,
  content: Content,
  deps: readonly Job[],
  op: Operation,
): Job {
  const nowMs = fleet.clock.now();
  const at = toInstant(nowMs);
  const job: Job = {
    ...contentFields(content),
    ...name,
    schemaVersion: SCHEMA_VERSION,
    pastHashes: [],
    stage: entryStage(content.deps),
    order: orderOf(deps, nowMs),
    leaseEpoch: 0,
    attempt: 0,
    eventSeq: 0,
    outbox: [],
    recentOps: [{ ...op }],
    createdAt: at,
    updatedAt: at,
    stageChangedAt: at,
  };
  return advance(undefined, job, { type: "submitted", data: { contentHash: job.contentHash } }, nowMs);
}
