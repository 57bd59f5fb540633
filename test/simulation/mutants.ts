/** All planted bugs: mistakes that a good engineer could make in the real code. */
import type { Mutant } from "./mutant.js";
import { ANSWERS } from "./mutants-answers.js";
import { ARTIFACT_BUGS } from "./mutants-artifacts.js";
import { ENDINGS } from "./mutants-endings.js";
import { GRAPHS } from "./mutants-graphs.js";
import { QUEUE } from "./mutants-queue.js";
import { CONDITIONAL, TEMPTING } from "./mutants-tempting.js";
import { COUNTING, RETAINING } from "./mutants-totals.js";
import { EPOCHS, EVENTS, SWEEPING, WORK } from "./mutants-work.js";

export const MUTANTS: readonly Mutant[] = [
  ...TEMPTING,
  ...CONDITIONAL,
  ...EPOCHS,
  ...EVENTS,
  ...WORK,
  ...SWEEPING,
  ...ANSWERS,
  ...ARTIFACT_BUGS,
  ...ENDINGS,
  ...GRAPHS,
  ...COUNTING,
  ...RETAINING,
  ...QUEUE,
];
