/**
 * The artifacts of a job, and what became of them. A worker says what it is going to upload, and may be
 * wrong; nobody tells the coordinator when it has. So whoever lists looks at the blobs that nobody has
 * seen yet: once one is there, its bytes are read, and size, type and digest kept on the pointer for ever.
 */
import type { Artifact, FoundArtifact } from "../schema/artifact.js";
import type { Job } from "../schema/job.js";
import { ARTIFACT_HASH_BYTES_MAX } from "../schema/limits.js";
import { pointersInOutbox } from "./artifact-pointers.js";
import type { Fleet } from "./fleet.js";
import { StoreUnavailable } from "./ports/store.js";
import type { SeenBlob, SignedUrl } from "./ports/blobs.js";
import { isTombstone } from "./tombstone.js";

/** How long one call goes on beginning to read blobs, in milliseconds. The next call goes on with the rest. */
const HASH_MS_MAX = 5000;
/** Blobs looked at side by side: of a page of 200 that is 13 round trips. */
const LOOKS_AT_ONCE = 16;

/** An artifact as it is now. */
export interface ListedArtifact {
  readonly artifact: Artifact;
  /** What was found of the blob; without a digest where it was not read yet. Absent: it is not uploaded. */
  readonly found?: FoundArtifact;
  readonly download?: SignedUrl;
}

/** Behind which artifact a page begins. */
export interface ArtifactPlace {
  readonly leaseEpoch: number;
  readonly id: string;
}

/** One page of a job's artifacts, by epoch and name. Throws what store and Blob storage throw. */
export async function listArtifacts(
  fleet: Fleet,
  job: Job,
  limit: number,
  after?: ArtifactPlace,
): Promise<{ value: ListedArtifact[]; more: boolean }> {
  // None at once, as of its events: retention may still be at it.
  if (isTombstone(job)) return { value: [], more: false };
  await fleet.blobs.ready();
  const { value: pointers, more } = await pageOfPointers(fleet, job, limit, after);
  const untilMs = fleet.clock.now() + HASH_MS_MAX;
  const value: ListedArtifact[] = [];
  for (let at = 0; at < pointers.length; at += LOOKS_AT_ONCE) {
    const some = pointers.slice(at, at + LOOKS_AT_ONCE);
    const seen = await Promise.all(
      some.map(async (pointer) => (pointer.found ? undefined : fleet.blobs.look(pointer))),
    );
    // One blob after the other is read: side by side they would share the same network.
    for (const [place, pointer] of some.entries()) {
      value.push(await listed(fleet, job, pointer, seen[place], untilMs));
    }
  }
  return { value, more };
}

/**
 * Stored pointers, and what waits in the outbox of the epochs and names that this page covers: from behind
 * `after` to its last pointer, or to the end. So each artifact is on one page, whatever the job adds.
 */
async function pageOfPointers(
  fleet: Fleet,
  job: Job,
  limit: number,
  after: ArtifactPlace | undefined,
): Promise<{ value: Artifact[]; more: boolean }> {
  const stored = await fleet.artifacts.list(job.id, limit, after);
  const last = stored.more ? stored.value.at(-1) : undefined;
  const waiting = pointersInOutbox(job).filter(
    (pointer) =>
      (after === undefined || comesBefore(after, pointer)) &&
      (last === undefined || comesBefore(pointer, last)),
  );
  const byId = new Map([...waiting, ...stored.value].map((pointer) => [pointer.id, pointer]));
  const covered = [...byId.values()].sort((a, b) => (comesBefore(a, b) ? -1 : 1));
  return { value: covered.slice(0, limit), more: stored.more || covered.length > limit };
}

function comesBefore(a: ArtifactPlace, b: ArtifactPlace): boolean {
  return a.leaseEpoch < b.leaseEpoch || (a.leaseEpoch === b.leaseEpoch && a.id < b.id);
}

async function listed(
  fleet: Fleet,
  job: Job,
  pointer: Artifact,
  seen: SeenBlob | undefined,
  untilMs: number,
): Promise<ListedArtifact> {
  const found = pointer.found ?? (seen && (await findOut(fleet, job, pointer, seen, untilMs)));
  if (found === undefined) return { artifact: pointer };
  return { artifact: pointer, found, download: await fleet.blobs.downloadOf(pointer) };
}

/** Reads the blob, and keeps what it is. Out of time, it is left to the next call. */
async function findOut(
  fleet: Fleet,
  job: Job,
  pointer: Artifact,
  { contentType, sizeBytes, version }: SeenBlob,
  untilMs: number,
): Promise<FoundArtifact | undefined> {
  const size = { contentType, sizeBytes };
  const tooLarge = sizeBytes > ARTIFACT_HASH_BYTES_MAX;
  if (!tooLarge && fleet.clock.now() > untilMs) return size;
  let sha256: string | undefined;
  try {
    sha256 = tooLarge ? undefined : await fleet.blobs.sha256(pointer, version);
  } catch (error) {
    // One blob that can't be read in time hides no other, nor itself: the next call tries again.
    if (error instanceof StoreUnavailable) return size;
    throw error;
  }
  // Retention was faster.
  if (!tooLarge && sha256 === undefined) return undefined;
  return keep(fleet, job, pointer, { ...size, ...(sha256 === undefined ? {} : { sha256 }) });
}

/** Stores what was found, unless somebody else did: then that is it. */
async function keep(
  fleet: Fleet,
  job: Job,
  pointer: Artifact,
  found: FoundArtifact,
): Promise<FoundArtifact | undefined> {
  const next = { ...pointer, found };
  const stored = await fleet.artifacts.get(pointer.jobId, pointer.id);
  if (stored?.doc.found !== undefined) return stored.doc.found;
  if (stored !== undefined) await fleet.artifacts.replaceIfMatch(stored, { ...stored.doc, found });
  // Only what the job itself still tells of is made here: what else is gone went on purpose.
  else if (pointersInOutbox(job).some(({ id }) => id === pointer.id)) await fleet.artifacts.create(next);
  return found;
}
