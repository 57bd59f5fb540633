/** Runs that are counted, and jobs whose history goes: each with whoever else can meet them. */
import { countRuns } from "../../shared/core/count-runs.js";
import { mergeInsights } from "../../shared/core/insights.js";
import { closeRunsInOutbox } from "../../shared/core/run-history.js";
import { NOTHING } from "../../shared/core/sums.js";
import { retire } from "../../shared/core/retire.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import { omit } from "../../shared/schema/omit.js";
import { A, B, actor, f1, owned, releases, ships, submits, sweeps, undone } from "./cast.js";
import { doAddArtifact } from "./artifact-clients.js";
import { doPatch, doReadEvents } from "./clients.js";
import { doClaim, doSubmit } from "./queue-clients.js";
import { doRedrive } from "./end-clients.js";
import type { Scenario } from "./explore.js";
import { PRODUCT } from "./run.js";
import type { Actor, Self } from "./run.js";
import { ONE_CRASH, scenario } from "./scenario.js";
import type { Faults } from "./state.js";

const RUN = `${A}:1`;
const RETENTION_SECONDS = 31 * 86_400;
const NO_CRASH: Faults = { crashes: 0, lost: 0, stale: 0 };
const TWO_CRASHES: Faults = { crashes: 2, lost: 0, stale: 0 };

/** Job a has shipped after 3 turns, and its run is closed, but not counted. */
async function uncounted(self: Self): Promise<void> {
  await owned(self);
  await ship(self, A);
  await forget(self, A);
}

/** The same of job b, too. */
async function twoUncounted(self: Self): Promise<void> {
  await owned(self);
  await doSubmit(self, "b");
  await doClaim(self, "f1");
  await ship(self, A);
  await ship(self, B);
  await forget(self, A);
  await forget(self, B);
}

async function ship(self: Self, jobId: string): Promise<void> {
  await doPatch(self, jobId, f1, { stage: "building", insights: { turns: 3 } });
  await doPatch(self, jobId, f1, { stage: "shipped" });
}

/** As if whoever ended the job's run had died before counting it. */
async function forget({ fleet }: Self, jobId: string): Promise<void> {
  const run = await fleet.runs.get(jobId, `${jobId}:1`);
  const totals = await fleet.totals.get(PRODUCT, "none");
  if (run === undefined || totals === undefined) return;
  await fleet.runs.replaceIfMatch(run, { ...omit(run.doc, "counted"), uncounted: true });
  await fleet.totals.replaceIfMatch(totals, { ...totals.doc, ...NOTHING, pending: {} });
}

/** The same, and the job is due to become a tombstone. */
async function dueUncounted(self: Self, advance: (seconds: number) => void): Promise<void> {
  await uncounted(self);
  advance(RETENTION_SECONDS);
}

/** Job a has shipped after 3 turns and with an artifact, and is due to become a tombstone. */
async function due(self: Self, advance: (seconds: number) => void): Promise<void> {
  await owned(self);
  await doAddArtifact(self, A, f1, "log", 3);
  await ship(self, A);
  advance(RETENTION_SECONDS);
}

/** Job a has failed, and is due. */
async function failedAndDue(self: Self, advance: (seconds: number) => void): Promise<void> {
  await owned(self);
  await doPatch(self, A, f1, { stage: "failed", insights: { turns: 3 } });
  advance(RETENTION_SECONDS);
}

/** Job a has shipped long ago, and nothing that follows it was done; b waits for it. */
async function dueUndone(self: Self, advance: (seconds: number) => void): Promise<void> {
  await undone(self);
  advance(RETENTION_SECONDS);
}

const countsRun = ({ fleet }: Self, jobId: string): Promise<unknown> =>
  countRuns(fleet, [{ id: `${jobId}:1`, jobId, productId: PRODUCT }]);
const counts = (name: string): Actor => actor(name, (self) => countsRun(self, A));
const countsBoth = actor("second, and then b's", async (self) => {
  await countsRun(self, A);
  await countsRun(self, B);
});

/** A report of the worker that lost the job, as it is merged into its closed run; then counted. */
const reportsLate = actor("f1 reports late", async ({ fleet }) => {
  const run = await fleet.runs.get(A, RUN);
  if (run?.doc.endedAt === undefined) return;
  const insights = mergeInsights(run.doc.insights, { turns: 5 });
  const grown = { ...run.doc, insights, superseded: true, uncounted: true } as const;
  if ((await fleet.runs.replaceIfMatch(run, grown)).kind === "replaced") await countRuns(fleet, [grown]);
});

const retires = (name: string): Actor =>
  actor(name, ({ fleet }) => retire(fleet, { id: A, productId: PRODUCT }, Infinity));

const redrives = actor("p1 redrives", (self) => doRedrive(self, A));

/** Retention has been at job a, and then somebody wakes up who was about to store something of it a month ago. */
const buries = ({ fleet }: Self): Promise<unknown> => retire(fleet, { id: A, productId: PRODUCT }, Infinity);
const storesLate = actor("f1's instance wakes up", async (self) => {
  await buries(self);
  const { fleet } = self;
  const job = await fleet.jobs.get(PRODUCT, A);
  if (job === undefined) return;
  const run = {
    attempt: 1,
    leaseEpoch: 1,
    factoryId: "f1",
    startedAt: job.doc.createdAt,
    endedAt: job.doc.stageChangedAt,
    insights: { turns: 3 },
  };
  const event = { seq: 4, type: "shipped" as const, at: job.doc.stageChangedAt, data: { run } };
  await closeRunsInOutbox(fleet, { ...job.doc, outbox: [event] });
  await countRuns(fleet, [{ id: RUN, jobId: A, productId: PRODUCT }]);
});
const opensLate = actor("f1's claim wakes up", async (self) => {
  await buries(self);
  const base = { id: RUN, jobId: A, productId: PRODUCT, schemaVersion: 1, attempt: 1, leaseEpoch: 1 };
  await self.fleet.runs.create({ ...base, startedAt: "2026-01-15T12:00:00.000Z", insights: {} });
});

/** A laptop that is closed in the middle of it, and opened after a month. */
const aMonthOfSweeps = actor("a month", async (self) => {
  await reapAndSweep(self.fleet, startSweep(self.fleet));
  await self.passTime(RETENTION_SECONDS);
  await reapAndSweep(self.fleet, startSweep(self.fleet));
});

export const TOTALS: readonly Scenario[] = [
  scenario("ship ∥ sweep that counts", owned, [ships(), sweeps()], ONE_CRASH),
  scenario("release ∥ sweep that counts", owned, [releases(), sweeps()], ONE_CRASH),
  scenario("two count one run", uncounted, [counts("first"), counts("second")]),
  scenario("two count one run, and both die", uncounted, [counts("first"), counts("second")], TWO_CRASHES),
  scenario("three count one run", uncounted, [counts("first"), counts("second"), counts("third")], NO_CRASH),
  scenario("count ∥ count, and of another run", twoUncounted, [counts("first"), countsBoth], ONE_CRASH),
  scenario(
    "count ∥ late report ∥ count",
    uncounted,
    [counts("first"), reportsLate, counts("second")],
    ONE_CRASH,
  ),
  scenario("sweep that counts ∥ late report", uncounted, [sweeps(), reportsLate], ONE_CRASH),
  scenario("retention ∥ retention", due, [retires("first"), retires("second")], ONE_CRASH),
  scenario("retention ∥ sweep, both may die", due, [retires("first"), sweeps()], TWO_CRASHES),
  scenario("retention of what is not counted ∥ sweep", dueUncounted, [retires("first"), sweeps()], ONE_CRASH),
  scenario("retention of what is not done ∥ sweep", dueUndone, [retires("first"), sweeps()], ONE_CRASH),
  scenario("retention ∥ redrive", failedAndDue, [retires("first"), redrives], ONE_CRASH),
  scenario("retention of what has shipped ∥ its redrive", due, [retires("first"), redrives], ONE_CRASH),
  scenario("retention alone, with bad luck", due, [retires("first")]),
  scenario("retention ∥ late report", due, [retires("first"), reportsLate], ONE_CRASH),
  scenario("retention ∥ reader of events", due, [
    retires("first"),
    actor("reader", (self) => doReadEvents(self, A)),
  ]),
  scenario(
    "retention ∥ its key submitted again",
    due,
    [retires("first"), submits("p1", "a"), submits("p2", "a", { bodyMd: "new" })],
    ONE_CRASH,
  ),
  scenario("retention ∥ the end reported again", due, [retires("first"), ships()], ONE_CRASH),
  scenario("ship that falls asleep for a month ∥ sweeps", owned, [ships(), aMonthOfSweeps], ONE_CRASH),
  scenario("a run back from the dead ∥ sweep", due, [storesLate, sweeps()], ONE_CRASH),
  scenario("a run opened from the dead ∥ sweep", due, [opensLate, sweeps()], ONE_CRASH),
];
