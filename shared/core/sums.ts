/** Sums of what runs used: a run is added once, and what it grows by later once more. */
import type { Insights, InsightTotals } from "../schema/insights.js";
import { insightTotals } from "../schema/insights.js";
import type { Counted, Run } from "../schema/run.js";
import type { Totals } from "../schema/totals.js";
import { mergeInsights } from "./insights.js";

export type Sums = Pick<Totals, "runs" | "insights" | "superseded">;

const FIGURES = Object.keys(insightTotals.shape) as (keyof InsightTotals)[];
/** Decimals that a sum keeps: a thousandth of a millionth of a dollar, so that additions of binary fractions don't drift. */
const DECIMALS = 9;

export const NOTHING: Sums = { runs: 0, insights: {}, superseded: { runs: 0, insights: {} } };

/** What the totals are to hold of a run. */
export function countedOf(run: Run): Counted {
  return {
    insights: figuresOf(run.insights),
    ...(run.superseded === undefined ? {} : { superseded: true }),
  };
}

/** `sums` with a run of which they held `before`, and are to hold `after`. */
export function added(sums: Sums, before: Counted | undefined, after: Counted): Sums {
  const { superseded } = sums;
  const wasWaste = before?.superseded === true ? before : undefined;
  return {
    ...withRun(sums, before, after),
    superseded: after.superseded === true ? withRun(superseded, wasWaste, after) : superseded,
  };
}

/** Whether `known` has everything of `wanted`. */
export function covers(known: Counted | undefined, wanted: Counted): boolean {
  if (known === undefined || (wanted.superseded === true && known.superseded !== true)) return false;
  return FIGURES.every((figure) => {
    const value = wanted.insights[figure];
    return value === undefined || (known.insights[figure] ?? -1) >= value;
  });
}

/** Everything of both: figures by maximum, as reports are merged. */
export function together(a: Counted | undefined, b: Counted): Counted {
  if (a === undefined) return b;
  const superseded = a.superseded ?? b.superseded;
  return {
    insights: mergeInsights(a.insights, b.insights),
    ...(superseded === undefined ? {} : { superseded }),
  };
}

function withRun(
  sums: Pick<Sums, "runs" | "insights">,
  before: Counted | undefined,
  after: Counted,
): Pick<Sums, "runs" | "insights"> {
  const insights = { ...sums.insights };
  for (const figure of FIGURES) {
    const value = after.insights[figure];
    if (value === undefined) continue;
    const sum = (insights[figure] ?? 0) + value - (before?.insights[figure] ?? 0);
    insights[figure] = Number(sum.toFixed(DECIMALS));
  }
  return { runs: sums.runs + (before === undefined ? 1 : 0), insights };
}

function figuresOf(insights: Insights): InsightTotals {
  return Object.fromEntries(
    FIGURES.filter((figure) => insights[figure] !== undefined).map((figure) => [figure, insights[figure]]),
  );
}
