/** Planted bugs: what is counted twice or not at all, and what retention takes too early or leaves. */
import { COUNT, FINISH, HISTORY, LATE, PURGE, REDRIVE, RETIRE, SWEEP, TOMBSTONE, mutant } from "./mutant.js";
import type { Mutant } from "./mutant.js";

const WRITE_TOTALS = "if (next.adds && !(await write(fleet, totals, next.doc))) return false;";

export const COUNTING: readonly Mutant[] = [
  {
    name: "a run is read before the totals",
    edits: [
      {
        file: COUNT,
        find: "  const totals = await fleet.totals.get(",
        replace: `  const early = await Promise.all(group.map(async ({ id }) => [id, await readRun(fleet, id)] as const));
  const totals = await fleet.totals.get(`,
      },
      { file: COUNT, find: "new Map(read)", replace: "new Map([...read, ...early])" },
    ],
    shownBy: "and of another run",
  },
  mutant(
    "what the totals hold of a run is looked up in the run alone",
    COUNT,
    "const before = entry ?? run.doc.counted;",
    "const before = run.doc.counted;",
    "two count one run",
  ),
  mutant(
    "a run says that it is counted before the totals do",
    COUNT,
    WRITE_TOTALS,
    `for (const run of uncounted) await note(fleet, run, next.doc.pending[run.doc.id]);
  ${WRITE_TOTALS}`,
    "two count one run",
  ),
  mutant(
    "an entry goes as soon as somebody else counts",
    COUNT,
    "const entry = totals.pending[id];",
    `const entry = totals.pending[id];
    if (run !== undefined && doc.pending[id] !== undefined) doc = { ...doc, pending: omit(doc.pending, id) };
    if (run?.doc.uncounted === true && entry !== undefined) continue;`,
    "late report",
  ),
  mutant(
    "a late report is added whole",
    COUNT,
    "...added(doc, before, after)",
    "...added(doc, undefined, after)",
    "late report",
  ),
  mutant(
    "a run is written over what came since",
    COUNT,
    "await fleet.runs.replaceIfMatch(run, {",
    "await fleet.runs.replaceIfMatch((await fleet.runs.get(run.doc.jobId, run.doc.id)) ?? run, {",
    "late report",
  ),
  mutant(
    "a run that ended is not marked",
    HISTORY,
    "...ended, uncounted: true };",
    "...ended };",
    "∥ sweep that counts",
  ),
  mutant(
    "the sweep forgets what nobody lived to count",
    SWEEP,
    "  await countLeft(fleet, sweep, walk, failed);\n",
    "",
    "that counts",
  ),
];

export const RETAINING: readonly Mutant[] = [
  mutant(
    "retention does not wait until runs are counted",
    RETIRE,
    "  if (!(await runsAreCounted(fleet, job.doc))) return false;\n",
    "",
    "retention of what is not counted",
  ),
  {
    name: "retention takes the history first",
    edits: [
      {
        file: RETIRE,
        find: "  const changed = await changeJob<boolean>(fleet, {",
        replace:
          "  await purge(fleet, job.doc, untilMs);\n  const changed = await changeJob<boolean>(fleet, {",
      },
      {
        file: RETIRE,
        find: `import type { Fleet } from "./fleet.js";`,
        replace: `import type { Fleet } from "./fleet.js";\nimport { purge } from "./purge.js";`,
      },
    ],
    shownBy: "retention",
  },
  mutant(
    "a tombstone is not dirty",
    TOMBSTONE,
    "tombstone: true, dirty: true",
    "tombstone: true",
    "retention",
  ),
  mutant(
    "a tombstone forgets what was submitted",
    TOMBSTONE,
    `bodyMd: "", recentOps`,
    `bodyMd: "", contentHash: "", pastHashes: [], recentOps`,
    "retention",
  ),
  mutant(
    "a job that is not done becomes a tombstone",
    TOMBSTONE,
    "isFinalStage(job.stage) && job.dirty === undefined && job.outbox.length === 0",
    "isFinalStage(job.stage)",
    "retention of what is not done",
  ),
  mutant(
    "a run goes before its late report is counted",
    PURGE,
    "if (run.doc.uncounted === true) {",
    "if (run.doc.endedAt === undefined) {",
    "retention ∥ late report",
  ),
  mutant(
    "a run that is back from the dead counts again",
    COUNT,
    "if (job === undefined || !isTombstone(job.doc)) return run;",
    "if (job !== undefined) return run;",
    "a run back from the dead",
  ),
  mutant(
    "the end reported again ends the tombstone",
    FINISH,
    "if (job.doc.dirty === undefined || isTombstone(job.doc)) return undefined;",
    "if (job.doc.dirty === undefined) return undefined;",
    "the end reported again",
  ),
  mutant("a tombstone is redriven", REDRIVE, ` || isTombstone(job)) {`, ") {", "retention ∥ redrive"),
  mutant(
    "a late report is not marked",
    LATE,
    "insights, uncounted: true };",
    "insights };",
    "a late report ∥ its run is closed",
  ),
];
