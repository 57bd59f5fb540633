/** Schedules as the Functions host reads them. */
import { Cron } from "croner";

/** How croner must read an NCRONTAB expression to mean what the Functions host makes of it. */
export const NCRONTAB = {
  mode: "5-or-6-parts",
  domAndDow: true,
  sloppyRanges: true,
  timezone: "UTC",
} as const;

/** A schedule as the Functions host reads it. */
export type Schedule =
  { readonly kind: "cron"; readonly pattern: string } | { readonly kind: "every"; readonly ms: number };

/** NCRONTAB has no macros, no L, W or #, and names only for months and weekdays. */
const cronNames = /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;

/** An NCRONTAB expression of five or six fields, or hh:mm:ss; undefined when it is neither or never comes. */
export function readSchedule(text: string): Schedule | undefined {
  const span = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(text);
  if (span !== null) {
    const ms = (Number(span[1]) * 3600 + Number(span[2]) * 60 + Number(span[3])) * 1000;
    return ms === 0 ? undefined : { kind: "every", ms };
  }
  if (!/^[\d*,/\-\s]+$/.test(text.replaceAll(cronNames, "0"))) return undefined;
  try {
    // Without a function nothing is scheduled. Asked from a fixed day, so that the answer never changes.
    const comes = new Cron(text, NCRONTAB).nextRun(new Date(0)) !== null;
    return comes ? { kind: "cron", pattern: text } : undefined;
  } catch {
    return undefined;
  }
}
