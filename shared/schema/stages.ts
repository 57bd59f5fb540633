import { z } from "zod";

/**
 * The stage machine. *Owned* stages have a holder, *final* ones are history, *open* is everything
 * that is not final.
 *
 *     submit ─▶ queued ──claim──▶ assigned ─▶ building ─▶ review ─▶ testing ─▶ shipped
 *        └────▶ blocked ─deps──▶ queued
 *     any owned stage ── release or expiry ──▶ queued or blocked;  ── failure ──▶ failed
 */
export const STAGES = [
  "queued",
  "blocked",
  "assigned",
  "building",
  "review",
  "testing",
  "shipped",
  "failed",
  "dead_letter",
] as const;

export const stage = z.enum(STAGES);
export type Stage = z.infer<typeof stage>;

export const OWNED_STAGES = ["assigned", "building", "review", "testing"] as const satisfies readonly Stage[];
export const FINAL_STAGES = ["shipped", "failed", "dead_letter"] as const satisfies readonly Stage[];

export type OwnedStage = (typeof OWNED_STAGES)[number];
export type FinalStage = (typeof FINAL_STAGES)[number];

export function isOwnedStage(stage: Stage): stage is OwnedStage {
  return (OWNED_STAGES as readonly Stage[]).includes(stage);
}

export function isFinalStage(stage: Stage): stage is FinalStage {
  return (FINAL_STAGES as readonly Stage[]).includes(stage);
}

/** Where a worker may move a job from each owned stage, the stage it is in apart (that is no move). */
const WORKER_MOVES: Record<OwnedStage, readonly Stage[]> = {
  assigned: ["building", "review", "testing", "shipped", "failed"],
  building: ["review", "testing", "shipped", "failed"],
  review: ["building", "testing", "shipped", "failed"],
  testing: ["building", "review", "shipped", "failed"],
};

/** The stages that a worker may ask for from `from`, that one itself apart. */
export function workerMoves(from: OwnedStage): readonly Stage[] {
  return WORKER_MOVES[from];
}

/** Whether a dependency in stage `stage` satisfies its dependants: hard ones wait for shipped, soft ones for testing. */
export function satisfiesDependants(stage: Stage, mode: "hard" | "soft"): boolean {
  return stage === "shipped" || (mode === "soft" && stage === "testing");
}
