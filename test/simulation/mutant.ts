/** A planted bug: an edit of the real sources that still compiles. */
export interface Mutant {
  readonly name: string;
  /** `find` stands exactly once in `file`, which is under shared/. */
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  /** The only scenario, or part of its name, to look in: for what shows too late in a round of them all. */
  readonly shownBy?: string;
}

export function mutant(name: string, file: string, find: string, replace: string, shownBy = ""): Mutant {
  return { name, edits: [{ file, find, replace }], shownBy };
}

/** The files that bugs are planted in. */
export const ADVANCE = "core/advance.ts";
export const CHANGE = "core/change-job.ts";
export const CLAIM = "core/claim.ts";
export const COUNT = "core/count-runs.ts";
export const DEPS = "core/deps.ts";
export const FENCE = "core/fence.ts";
export const FINISH = "core/finish.ts";
export const HISTORY = "core/run-history.ts";
export const LATE = "core/late-report.ts";
export const LEASE = "core/lease-writes.ts";
export const PATCH = "core/patch.ts";
export const PURGE = "core/purge.ts";
export const REAP = "core/reap.ts";
export const REDRIVE = "core/redrive.ts";
export const RELEASE = "core/release.ts";
export const RENEW = "core/renew.ts";
export const RETIRE = "core/retire.ts";
export const SUBMIT = "core/submit.ts";
export const SWEEP = "core/sweep.ts";
export const LANES = "core/lanes.ts";
export const WIN = "core/win-job.ts";
export const TOMBSTONE = "core/tombstone.ts";
