import type { Insights } from "../schema/insights.js";

/**
 * Running totals of one run: numbers by maximum, words by the latest report. So a report that comes
 * twice, or late, never counts twice and never takes anything back.
 */
export function mergeInsights(known: Insights, report: Insights | undefined): Insights {
  if (report === undefined) return known;
  const merged: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(report)) {
    const before = merged[name];
    merged[name] = typeof value === "number" && typeof before === "number" ? Math.max(before, value) : value;
  }
  return merged;
}
