/**
 * Artifact documents: pointers to blobs. They add nothing about the registration that the job's events
 * don't know: an `artifact_added` event holds all that was registered. So a pointer that was lost with its
 * writer is made again by whoever takes the event out of the outbox, and until then read from there.
 */
import { z } from "zod";
import { artifactName, reportedArtifact } from "../schema/artifact.js";
import type { Artifact, ReportedArtifact } from "../schema/artifact.js";
import type { JobEvent } from "../schema/event.js";
import type { Job } from "../schema/job.js";
import { SCHEMA_VERSION } from "../schema/limits.js";
import type { Fleet } from "./fleet.js";

/** What the event says beside what every event does. */
const added = z.object({
  leaseEpoch: z.int().min(1),
  artifact: reportedArtifact.extend({ name: artifactName }),
});

export function artifactId(jobId: string, leaseEpoch: number, name: string): string {
  return `${jobId}:${leaseEpoch}:${name}`;
}

/** The `data` of the event that adds an artifact. */
export function addedData(name: string, reported: ReportedArtifact): Readonly<Record<string, unknown>> {
  return { artifact: { name, ...reported } };
}

/** The pointer that this event of `job` added, if it added one. */
function pointerIn(job: Job, event: JobEvent): Artifact | undefined {
  if (event.type !== "artifact_added") return undefined;
  const { leaseEpoch, artifact } = added.parse(event.data);
  const { name, ...reported } = artifact;
  return {
    id: artifactId(job.id, leaseEpoch, name),
    jobId: job.id,
    productId: job.productId,
    schemaVersion: SCHEMA_VERSION,
    leaseEpoch,
    name,
    reported,
    createdAt: event.at,
  };
}

/** The pointers that wait in the job's outbox, oldest first. */
export function pointersInOutbox(job: Job): Artifact[] {
  return job.outbox.flatMap((event) => pointerIn(job, event) ?? []);
}

/** Stores them. Repeatable: one that is there already may know more, and is left as it is. */
export async function storePointersInOutbox(fleet: Fleet, job: Job): Promise<void> {
  for (const pointer of pointersInOutbox(job)) await fleet.artifacts.create(pointer);
}

/**
 * The pointer of this name and epoch, if there is one: the stored one, which may know what was found, else
 * the job's. The job was read before: a pointer that left its outbox is stored.
 */
export async function pointerOf(
  fleet: Fleet,
  job: Job,
  leaseEpoch: number,
  name: string,
): Promise<Artifact | undefined> {
  const id = artifactId(job.id, leaseEpoch, name);
  const stored = await fleet.artifacts.get(job.id, id);
  return stored?.doc ?? pointersInOutbox(job).find((pointer) => pointer.id === id);
}
