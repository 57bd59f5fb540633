import type { Job } from "../../shared/schema/job.js";

/** A document as it was from `step` on. */
export interface At<T> {
  readonly step: number;
  readonly doc: T;
  readonly by: string;
}

/** What was seen of jobs so far, for whoever judges the next version. */
export interface Seen {
  readonly jobs: ReadonlyMap<string, At<Job>[]>;
  /** The latest version. */
  job(id: string): Job | undefined;
  /** The versions that were in force at some instant from `from` to now. */
  during<T>(history: At<T>[] | undefined, from: number): At<T>[];
}
