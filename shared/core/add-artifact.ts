/**
 * Add artifact: the holder says that it is going to upload bytes under a name, and is given a URL for that.
 * Fenced like a patch: judged on the very version of the job that the write replaces.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | read the job; fence; is the name free at this epoch? → **one write of the job**: event `artifact_added` | the event is the truth: the pointer is read from the outbox, and stored by whoever empties it |
 * | the pointer | asked again with the same content, the worker gets the same artifact, and a URL |
 * | the URL is signed | the same |
 * | (the worker uploads) | the artifact stays listed, as not uploaded |
 *
 * The blob's name holds the epoch, so a zombie whose URL outlives its lease writes where no other owner does.
 */
import type { Artifact, ReportedArtifact } from "../schema/artifact.js";
import type { Job } from "../schema/job.js";
import type { ArtifactRequest } from "../schema/requests.js";
import type { Stage } from "../schema/stages.js";
import { advance } from "./advance.js";
import { afterWrite } from "./after-write.js";
import { addedData, pointerOf, storePointersInOutbox } from "./artifact-pointers.js";
import { changeJob, operation } from "./change-job.js";
import type { Judgement } from "./change-job.js";
import { fence } from "./fence.js";
import type { Fenced } from "./fence.js";
import { followUp } from "./finish.js";
import type { Fleet } from "./fleet.js";
import { sameJson } from "./hash.js";
import type { Upload } from "./ports/blobs.js";

/** `uploaded`: whether the blob is there already, so that there is nothing left to do. */
export type Added =
  | { kind: "artifact_added"; artifact: Artifact; uploaded: boolean; upload: Upload }
  | Fenced
  /** This epoch has an artifact of that name, of which other things were said. */
  | { kind: "artifact_name_taken"; jobId: string; stage: Stage }
  | { kind: "idempotency_conflict"; jobId: string; stage: Stage }
  | { kind: "not_found" };

/** `fresh`: this very write added it. */
type Verdict = { kind: "added"; fresh: boolean } | { kind: "taken" } | Fenced;

/** Registers an artifact. The same registration again, with or without a key, answers the same artifact. */
export async function addArtifact(
  fleet: Fleet,
  productId: string,
  jobId: string,
  request: ArtifactRequest,
  key?: string,
): Promise<Added> {
  const { factoryId, leaseEpoch } = request;
  await fleet.blobs.ready();
  const changed = await changeJob<Verdict>(fleet, {
    productId,
    jobId,
    operation: operation(fleet, { route: "artifact", factoryId, leaseEpoch, key }, request),
    leaseEpoch,
    storeEvents: "always",
    judge: (job) => judge(fleet, job, request, key !== undefined),
    repeated: () => ({ kind: "added", fresh: false }),
  });
  if (changed.kind === "not_found") return changed;
  const { stage } = changed.job.doc;
  if (changed.kind === "idempotency_conflict") return { kind: "idempotency_conflict", jobId, stage };
  if (changed.answer.kind === "taken") return { kind: "artifact_name_taken", jobId, stage };
  if (changed.answer.kind !== "added") return changed.answer;
  const { fresh } = changed.answer;
  return afterWrite(() => answer(fleet, changed.job.doc, request, fresh));
}

async function judge(
  fleet: Fleet,
  job: Job,
  request: ArtifactRequest,
  mustBeRemembered: boolean,
): Promise<Judgement<Verdict>> {
  const verdict = fence(job, request);
  if (verdict.kind !== "current") return { kind: "refused", answer: verdict };
  const { name, leaseEpoch, factoryId } = request;
  const reported = reportedBy(request);
  const known = await pointerOf(fleet, job, leaseEpoch, name);
  if (known !== undefined) {
    if (!sameJson(known.reported, reported)) return { kind: "refused", answer: { kind: "taken" } };
    // A key must be remembered even if nothing else changes: it may come again with another body.
    const again = { kind: "added", fresh: false } as const;
    return mustBeRemembered
      ? { kind: "write", next: job, answer: again }
      : { kind: "settled", answer: again };
  }
  const happening = { type: "artifact_added", actor: factoryId, data: addedData(name, reported) } as const;
  const next = advance(job.stage, job, happening, fleet.clock.now());
  return { kind: "write", next, answer: { kind: "added", fresh: true } };
}

function reportedBy({ contentType, sizeBytes, sha256 }: ArtifactRequest): ReportedArtifact {
  return {
    contentType,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

async function answer(
  fleet: Fleet,
  job: Job,
  { leaseEpoch, name }: ArtifactRequest,
  fresh: boolean,
): Promise<Added> {
  if (fresh) await followUp(fleet, [() => storePointersInOutbox(fleet, job)]);
  const artifact = await pointerOf(fleet, job, leaseEpoch, name);
  if (artifact === undefined) throw new Error(`job ${job.id} has an artifact without its pointer`);
  const upload = await fleet.blobs.uploadTo(artifact, artifact.reported.contentType);
  // Only one that was registered before can be uploaded already.
  const uploaded =
    artifact.found !== undefined || (!fresh && (await fleet.blobs.look(artifact)) !== undefined);
  return { kind: "artifact_added", artifact, uploaded, upload };
}
