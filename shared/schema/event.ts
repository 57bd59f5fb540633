import { z } from "zod";
import { documentBase, id, instant } from "./primitives.js";

/** What can happen to a job. A closed list: a reader may rely on knowing them all. */
export const EVENT_TYPES = [
  "submitted",
  "superseded",
  "blocked",
  "unblocked",
  "claimed",
  "stage_changed",
  "checkpointed",
  "released",
  "expired",
  "retry_scheduled",
  "failed",
  "dead_lettered",
  "shipped",
  "cancelled",
  "redriven",
  "over_budget",
  "artifact_added",
] as const;

export const eventType = z.enum(EVENT_TYPES);
export type EventType = z.infer<typeof eventType>;

/**
 * One thing that happened to a job. `seq` counts from 1 without a gap. `data` says the stage it came
 * from and went to, epoch, attempt and holder after it, and what else it changed: folding the events
 * of a job gives the job.
 */
export const event = z.object({
  seq: z.int().min(1),
  type: eventType,
  at: instant,
  /** The factory that did it; absent when the coordinator did. */
  actor: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});
export type JobEvent = z.infer<typeof event>;

/** An event as it is stored for ever; its id is jobId:seq, so that storing it twice is one. */
export const eventDocument = event.extend({ ...documentBase, jobId: id });
export type EventDocument = z.infer<typeof eventDocument>;
