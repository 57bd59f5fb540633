/**
 * When timer functions run. Each function runs one at a time: a tick that finds its predecessor still
 * running is left out, a run that was asked for by hand waits its turn.
 */
import { Cron } from "croner";
import { NCRONTAB, readSchedule, type Schedule } from "../shared/schedule.js";
import type { RegisteredFunction } from "./functions-core.js";
import type { Invoke } from "./invoke.js";
import type { HostLog, RpcInput } from "./rpc.js";

/** A schedule that is running. */
interface Ticking {
  /** When the next tick is due; null when none is. */
  next(): Date | null;
  stop(): void;
}

/** Calls `tick` as the schedule says, from now on: the port by which tests decide the time. */
export type Scheduler = (schedule: Schedule, tick: () => void) => Ticking;

/** What became of a run that was asked for by hand. */
export type RunOutcome =
  | { readonly kind: "ran" }
  /** Its handler threw; the log says what. */
  | { readonly kind: "failed" }
  /** No function has this name, or HTTP triggers it. */
  | { readonly kind: "unknown" };

export interface Timers {
  /** Runs a function once that HTTP doesn't trigger, and waits for it. */
  readonly run: (name: string) => Promise<RunOutcome>;
  /** Starts the schedules. */
  readonly start: () => void;
  /** Ends the schedules; resolves when nothing runs any more. */
  readonly stop: () => Promise<void>;
}

/** Time as it passes, by croner; `hh:mm:ss` counts from the start. */
export const systemScheduler: Scheduler = (schedule, tick) => {
  if (schedule.kind === "cron") {
    const cron = new Cron(schedule.pattern, NCRONTAB, tick);
    return {
      next: () => cron.nextRun(),
      stop: () => {
        cron.stop();
      },
    };
  }
  let last = Date.now();
  const interval = setInterval(() => {
    last = Date.now();
    tick();
  }, schedule.ms);
  return {
    next: () => new Date(last + schedule.ms),
    stop: () => {
      clearInterval(interval);
    },
  };
};

interface Timer {
  readonly fn: RegisteredFunction;
  readonly schedule: Schedule | undefined;
  /** Runs that are under way or wait their turn, one after the other. */
  turn: Promise<unknown>;
  pending: number;
  ticking: Ticking | undefined;
  lastAt: Date | undefined;
}

/** Throws when a timer's schedule can't be read. `functions` are those that HTTP doesn't trigger. */
export function timersOf(
  functions: readonly RegisteredFunction[],
  invoke: Invoke,
  scheduler: Scheduler,
  log: HostLog,
): Timers {
  const timers = new Map(functions.map((fn) => [fn.name, toTimer(fn)]));
  const run = async (timer: Timer): Promise<RunOutcome> => {
    timer.pending += 1;
    const mine = timer.turn.then(() => invoke(timer.fn, inputOf(timer)));
    const outcome = mine.then(
      (): RunOutcome => ({ kind: "ran" }),
      (): RunOutcome => ({ kind: "failed" }),
    );
    timer.turn = outcome.finally(() => (timer.pending -= 1));
    await timer.turn;
    return outcome;
  };
  const tick = (timer: Timer): void => {
    if (timer.pending > 0) {
      log("warning", `${timer.fn.name} is still running: this tick is left out`);
      return;
    }
    void run(timer);
  };
  return {
    run: async (name) => {
      const timer = timers.get(name);
      return timer === undefined ? { kind: "unknown" } : run(timer);
    },
    start: () => {
      for (const timer of timers.values()) {
        if (timer.schedule === undefined) continue;
        timer.ticking = scheduler(timer.schedule, () => {
          tick(timer);
        });
        if (timer.fn.trigger.runOnStartup === true) tick(timer);
      }
    },
    stop: async () => {
      for (const timer of timers.values()) timer.ticking?.stop();
      await Promise.all([...timers.values()].map((timer) => timer.turn));
    },
  };
}

function toTimer(fn: RegisteredFunction): Timer {
  const timer = { fn, turn: Promise.resolve(), pending: 0, ticking: undefined, lastAt: undefined };
  if (fn.trigger.type?.toLowerCase() !== "timertrigger") return { ...timer, schedule: undefined };
  const schedule = readSchedule(fn.trigger.schedule ?? "");
  if (schedule === undefined) throw new Error(`the schedule of ${fn.name} is neither NCRONTAB nor hh:mm:ss`);
  return { ...timer, schedule };
}

/** The timer object as the runtime sends it; the library writes its names in camelCase. */
function inputOf(timer: Timer): RpcInput {
  const now = new Date();
  const last = timer.lastAt ?? now;
  timer.lastAt = now;
  const status = {
    Last: last.toISOString(),
    Next: (timer.ticking?.next() ?? now).toISOString(),
    LastUpdated: last.toISOString(),
  };
  return {
    json: JSON.stringify({ Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: false }),
  };
}
