import { z } from "zod";
import { TOTAL_MAX } from "./limits.js";

const total = z.number().nonnegative().max(TOTAL_MAX);

/** What a run has used so far: running totals, so that a repeated or reordered report counts once. */
export const insights = z.strictObject({
  model: z.string().min(1).max(128).optional(),
  tokensIn: total.optional(),
  tokensOut: total.optional(),
  tokensCached: total.optional(),
  costUsd: total.optional(),
  /** Whether the figures are the worker's estimate. */
  estimated: z.boolean().optional(),
  turns: total.optional(),
  toolCalls: total.optional(),
  filesChanged: total.optional(),
  linesAdded: total.optional(),
  linesDeleted: total.optional(),
});

/** Those of them that can be summed over runs. */
export const insightTotals = insights.omit({ model: true, estimated: true });
export type InsightTotals = z.infer<typeof insightTotals>;

export type Insights = z.infer<typeof insights>;
