import { z } from "zod";
import { insights, insightTotals } from "./insights.js";
import { exit, result } from "./job.js";
import { profileRef } from "./profile.js";
import { capability, documentBase, id, instant } from "./primitives.js";

/** What the product's totals hold of one run. */
export const counted = z.object({ insights: insightTotals, superseded: z.literal(true).optional() });
export type Counted = z.infer<typeof counted>;

/** One factory's go at a job: opened by a claim, closed when the job leaves that owner. Its id is jobId:epoch. */
export const run = z.object({
  ...documentBase,
  jobId: id,
  attempt: z.int().min(1),
  leaseEpoch: z.int().min(1),
  factoryId: id.optional(),
  /** The job's engine class, else the first engine that the factory named. */
  engine: capability.optional(),
  /** The version that the job's profile stood for when this run began, and what it holds. */
  profile: profileRef.optional(),
  profileSnapshot: z.unknown().optional(),
  startedAt: instant,
  endedAt: instant.optional(),
  exit: exit.optional(),
  verifyResult: result.optional(),
  result: result.optional(),
  insights,
  /** Its worker went on after the job had gone to another, or back: what it reported since is waste. */
  superseded: z.literal(true).optional(),
  /** True while the totals may lack something of this run: since it ended, or since its insights grew later. */
  uncounted: z.literal(true).optional(),
  /** What the totals hold of it for certain; core/count-runs.ts. */
  counted: counted.optional(),
});

export type Run = z.infer<typeof run>;

/** What it takes to find a run, and the totals that it counts in. */
export type RunRef = Pick<Run, "id" | "jobId" | "productId" | "engine">;
