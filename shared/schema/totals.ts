import { z } from "zod";
import { insightTotals } from "./insights.js";
import { capability, documentBase } from "./primitives.js";
import { counted } from "./run.js";

/** Runs, and the sum of what they used. A figure that none of them reported is absent. */
export const sums = z.object({ runs: z.int().min(0), insights: insightTotals });

/**
 * What the ended runs of one product and engine used, summed up as they end: reading it costs the same
 * whatever the history. Its id is made of the engine. core/count-runs.ts has the protocol.
 */
export const totals = z.object({
  ...documentBase,
  /** Absent: the runs of factories that named no engine. */
  engine: capability.optional(),
  ...sums.shape,
  /** The part of it that superseded runs used. */
  superseded: sums,
  /** By run: what the sums hold of it, while its own document may not say so yet. */
  pending: z.record(z.string(), counted),
});

export type Totals = z.infer<typeof totals>;
