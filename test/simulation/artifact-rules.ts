/** 16: artifacts. What was added is what the events say, once per name and epoch; what was found is the blob. */
import type { Artifact } from "../../shared/schema/artifact.js";
import type { JobEvent } from "../../shared/schema/event.js";
import type { Job } from "../../shared/schema/job.js";
import { isOwnedStage } from "../../shared/schema/stages.js";
import type { KeptMap, Memory } from "./memory.js";
import { digestOf } from "./sim-blobs.js";
import type { SimBlobs } from "./sim-blobs.js";
import { Violation } from "./violation.js";

interface Added {
  readonly jobId: string;
  readonly seq: number;
  readonly step: number;
  readonly at: string;
  /** What was said of it, as JSON. */
  readonly reported: string;
}

/** The artifacts that events were seen to add. */
export class KnownArtifacts {
  /** By the id that its pointer has. */
  readonly all: KeptMap<string, Added>;
  readonly #blobs: SimBlobs;

  constructor(blobs: SimBlobs, memory: Memory) {
    this.all = memory.map();
    this.#blobs = blobs;
  }

  /** An event is visible, now or again. */
  see(jobId: string, { seq, type, at, data }: JobEvent, step: number): void {
    if (type !== "artifact_added") return;
    const { name, ...reported } = data["artifact"] as { name: string };
    const id = `${jobId}:${String(data["leaseEpoch"])}:${name}`;
    const known = this.all.get(id);
    if (known !== undefined && known.seq !== seq)
      throw new Violation(19, `the artifact ${name} of one epoch was added twice`);
    if (known === undefined) this.all.set(id, { jobId, seq, step, at, reported: reportOf(reported) });
  }

  /** A pointer is what an event of its epoch added; what was found is what the blob is, and never changes. */
  checkPointer(before: Artifact | undefined, pointer: Artifact): void {
    const added = this.all.get(pointer.id);
    if (pointer.id !== `${pointer.jobId}:${pointer.leaseEpoch}:${pointer.name}`)
      throw new Violation(19, "a pointer's id is not its own");
    if (added?.reported !== reportOf(pointer.reported) || added.at !== pointer.createdAt)
      throw new Violation(19, "a pointer tells of an artifact that nobody added");
    const { found } = pointer;
    if (before?.found !== undefined && JSON.stringify(before.found) !== JSON.stringify(found))
      throw new Violation(19, "what was found of an artifact changed");
    if (found === undefined) return;
    const text = this.#blobs.text(pointer);
    if (text === undefined || found.sizeBytes !== text.length || found.sha256 !== digestOf(text))
      throw new Violation(19, "what was found of an artifact is not what its blob is");
  }

  /** Those of a job, with the steps at which they were added. */
  of(jobId: string): readonly (readonly [string, Added])[] {
    return [...this.all].filter(([, added]) => added.jobId === jobId);
  }
}

/** 2 and 16: only who owns the job just then adds to it. */
export function checkAdding(before: Job, event: JobEvent | undefined): void {
  if (event?.type !== "artifact_added") return;
  if (!isOwnedStage(before.stage)) throw new Violation(19, "an artifact was added to a job that nobody owns");
  if (event.actor !== before.holderFactoryId)
    throw new Violation(2, "an artifact was added by one who was not the holder");
}

/** What was said of an artifact, whatever the order of the words. */
export function reportOf(reported: object): string {
  return JSON.stringify(Object.entries(reported).sort(([a], [b]) => (a < b ? -1 : 1)));
}
