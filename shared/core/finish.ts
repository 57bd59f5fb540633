/**
 * What follows a job's own write: its lease, its run, its dependants. None of it decides anything, all
 * of it can be repeated, and the sweep does it again if the process dies first. It is awaited before
 * the answer, since a Functions instance may be frozen after it, but bounded, and it never turns a
 * write that happened into an error.
 */
import type { Job } from "../schema/job.js";
import { omit } from "../schema/omit.js";
import { isFinalStage } from "../schema/stages.js";
import { changeJob, operation } from "./change-job.js";
import { unblock, wakeDependants } from "./deps.js";
import type { Fleet } from "./fleet.js";
import { settleLease } from "./lease-writes.js";
import type { Stored } from "./ports/store.js";
import { closeRunsInOutbox } from "./run-history.js";
import { isOwned } from "./advance.js";

/** How long an answer waits for what follows its write, in milliseconds: a worker
 * should not time out for what the sweep can do. */
const FOLLOW_UP_MS_MAX = 2000;
/** Dependants woken by the request that satisfied them; about 4 store requests each. */
const WAKE_INLINE_MAX = 20;
/** Dependants woken by the sweep for one final job; those beyond come with its scan of blocked jobs. */
const WAKE_SWEEP_MAX = 200;

/** Runs one follow-up step after another until the time is up. A step that fails is logged: the sweep repeats it. */
export async function followUp(
  fleet: Fleet,
  steps: readonly ((untilMs: number) => Promise<unknown>)[],
): Promise<void> {
  const untilMs = fleet.clock.now() + FOLLOW_UP_MS_MAX;
  try {
    for (const step of steps) {
      if (fleet.clock.now() > untilMs) return;
      await step(untilMs);
    }
  } catch (error) {
    fleet.log.warn(
      `left to the sweep: ${error instanceof Error ? error.message : "a step after a write failed"}`,
    );
  }
}

/** After a job became final: lease, run, dependants; then the mark that this is to do goes. */
export async function finish(fleet: Fleet, job: Stored<Job>): Promise<void> {
  await followUp(fleet, [(untilMs) => finishWithin(fleet, job, WAKE_INLINE_MAX, untilMs)]);
}

/** The same for the sweep, which has more time and must not hide a failure. */
export async function finishDirty(fleet: Fleet, job: Stored<Job>, untilMs: number): Promise<void> {
  await finishWithin(fleet, job, WAKE_SWEEP_MAX, untilMs, "leave the rest to the scan of blocked jobs");
}

async function finishWithin(
  fleet: Fleet,
  job: Stored<Job>,
  wakeMax: number,
  untilMs: number,
  rest: "wait for the sweep" | "leave the rest to the scan of blocked jobs" = "wait for the sweep",
): Promise<void> {
  if (job.doc.dirty === undefined) return;
  await settleLease(fleet, job.doc, false);
  await closeRunsInOutbox(fleet, job.doc);
  const woken = await wakeDependants(fleet, job.doc, wakeMax, untilMs);
  if (woken === "some" && rest === "wait for the sweep") return;
  await clearDirty(fleet, job);
}

/** The mark goes only together with the outbox: changeJob stores the events before it writes. */
async function clearDirty(fleet: Fleet, job: Stored<Job>): Promise<void> {
  await changeJob<undefined>(fleet, {
    productId: job.doc.productId,
    jobId: job.doc.id,
    operation: operation(fleet, { route: "finish" }, {}),
    known: job,
    storeEvents: "always",
    judge: (now) => {
      // Another life began meanwhile, or another sweep was faster.
      if (now.dirty === undefined || !isFinalStage(now.stage) || now.eventSeq !== job.doc.eventSeq) {
        return { kind: "settled", answer: undefined };
      }
      return { kind: "write", next: omit(now, "dirty"), answer: undefined };
    },
    repeated: () => undefined,
  });
}

/** After a job went back to the queue: its lease and run end, and its deps are judged. Returns the job as it is then. */
export async function requeued(fleet: Fleet, job: Stored<Job>): Promise<Stored<Job>> {
  let latest = job;
  await followUp(fleet, [
    () => settleLease(fleet, job.doc, isOwned(job.doc)),
    () => closeRunsInOutbox(fleet, job.doc),
    async () => {
      if (job.doc.stage === "blocked") latest = (await unblock(fleet, job.doc, job)) ?? job;
    },
  ]);
  return latest;
}

/** After a job moved on while owned: soft dependants wait for `testing`. */
export async function movedOn(fleet: Fleet, job: Stored<Job>): Promise<void> {
  if (job.doc.stage !== "testing") return;
  await followUp(fleet, [(untilMs) => wakeDependants(fleet, job.doc, WAKE_INLINE_MAX, untilMs)]);
}
