/** The state of a job without concurrency, and the moves that its stages allow. */
import type { Stage } from "../../shared/schema/stages.js";

export interface OneJob {
  readonly exists: boolean;
  readonly content: string;
  readonly past: readonly string[];
  /** `queued` stands for blocked, too: no client decides which. */
  readonly stage: Stage;
  readonly epoch: number;
  readonly attempt: number;
  readonly holder: string | undefined;
  readonly claimName: string | undefined;
  readonly checkpoint: string | undefined;
  readonly revoked: boolean;
  readonly cancelled: boolean;
  /** Claimed by a call that was not told so: it may give the job back by itself. */
  readonly unsaid: boolean;
  /** The keys of this epoch's accepted operations, with what they asked for. */
  readonly done: Readonly<Record<string, string>>;
  /** What was said of each artifact, by epoch and name. */
  readonly artifacts: Readonly<Record<string, string>>;
}

export const NO_JOB: OneJob = {
  exists: false,
  content: "",
  past: [],
  stage: "queued",
  epoch: 0,
  attempt: 0,
  holder: undefined,
  claimName: undefined,
  checkpoint: undefined,
  revoked: false,
  cancelled: false,
  unsaid: false,
  done: {},
  artifacts: {},
};

const OWNED: readonly Stage[] = ["assigned", "building", "review", "testing"];
export const FINAL: readonly Stage[] = ["shipped", "failed", "dead_letter"];
export const MOVES: Partial<Record<Stage, readonly Stage[]>> = {
  assigned: ["building", "review", "testing", "shipped", "failed"],
  building: ["building", "review", "testing", "shipped", "failed"],
  review: ["review", "building", "testing", "shipped", "failed"],
  testing: ["testing", "building", "review", "shipped", "failed"],
};

export const owned = (job: OneJob): boolean => OWNED.includes(job.stage);
export const queuedAgain = (job: OneJob): OneJob => ({
  ...job,
  stage: "queued",
  holder: undefined,
  revoked: false,
  unsaid: false,
});
