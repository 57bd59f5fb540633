/** What may happen next: whose request takes effect, and how it goes. */
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { digest } from "./state.js";
import type { Pending, Process, State } from "./state.js";

export interface Choice {
  /** As the story tells it. */
  readonly text: string;
  /** Whether something goes wrong with it. */
  readonly isFault: boolean;
  /** Whether what goes wrong is an answer: lost, refused or throttled. */
  readonly isLoss?: boolean;
  readonly apply: () => void;
}

/**
 * Everything that may happen in this state; none when all has ended. First comes the calm course: who
 * went last goes on. So the fewer choices of a schedule differ from the first, the fewer switches and
 * faults it has.
 */
export function choicesOf(state: State): Choice[] {
  const living = state.processes
    .filter(({ crashed }) => !crashed)
    .toSorted((a, b) => Number(b.name === state.actor) - Number(a.name === state.actor));
  const choices = living.flatMap((process) => [
    ...process.pending.flatMap((pending) => waysToGo(state, process, pending)),
    ...waysToDie(state, process),
  ]);
  const arrivals = state.late.map((late) => ({
    text: late.text,
    isFault: true,
    apply: () => {
      state.late.splice(state.late.indexOf(late), 1);
      state.cause = late.by;
      late.effect();
    },
  }));
  if (arrivals.length > 0 && choices.length === 0) {
    const never = {
      text: "what is late never arrives",
      isFault: false,
      apply: () => void state.late.splice(0),
    };
    return [...arrivals, never];
  }
  return [...choices, ...arrivals];
}

function waysToGo(state: State, process: Process, pending: Pending): Choice[] {
  const { operation } = pending;
  const way = (how: string, go: () => void): Choice => ({
    text: `${process.asks(pending)}${how}`,
    isFault: how !== "",
    apply: () => {
      process.take(pending);
      state.actor = process.name;
      state.cause = pending.by;
      go();
    },
  });
  const ways = [
    way("", () => {
      answer(state, process, pending, operation.effect("now"));
    }),
  ];
  if (operation.mayBeStale && state.faults.stale > 0) {
    ways.push(
      way(", answered one version late", () => {
        state.faults.stale--;
        state.monitor.shownOld(pending.by);
        answer(state, process, pending, operation.effect("one version late"));
      }),
    );
  }
  const isTime = operation.name === "ping";
  return isTime || state.faults.lost === 0 ? ways : [...ways, ...waysToFail(state, process, pending, way)];
}

function waysToFail(
  state: State,
  process: Process,
  pending: Pending,
  way: (how: string, go: () => void) => Choice,
): Choice[] {
  const { operation } = pending;
  // Errors are made when they happen: each takes down its stack, and most choices are never made.
  const fail = (how: string, toError: () => Error, meanwhile: () => unknown): Choice => ({
    ...way(how, () => {
      const error = toError();
      state.faults.lost--;
      if (error instanceof StoreUnavailable) state.monitor.outcomeUnknown(pending.by, operation);
      meanwhile();
      remember(state, process, pending, error.message);
      pending.reject(error);
    }),
    isLoss: true,
  });
  const nothing = (): undefined => undefined;
  const ways = [fail(", throttled (429)", () => new StoreThrottled(1), nothing)];
  // 408, 449, 503 and a reset are one to the port: nobody knows. What differs is what really happened.
  if (!operation.isWrite)
    return [...ways, fail(", no answer", () => new StoreUnavailable("simulated 503"), nothing)];
  const late = {
    text: `the late write of ${process.asks(pending)} arrives`,
    by: pending.by,
    effect: () => operation.effect("now"),
  };
  return [
    ...ways,
    fail(
      ", done, but the answer is lost",
      () => new StoreUnavailable("simulated reset"),
      () => operation.effect("now"),
    ),
    fail(
      ", no answer in time: it may happen yet",
      () => new StoreUnavailable("simulated time-out"),
      () => state.late.push(late),
    ),
  ];
}

function waysToDie(state: State, process: Process): Choice[] {
  if (state.faults.crashes === 0 || process.pending.length === 0) return [];
  const before = {
    text: `${process.name} dies`,
    isFault: true,
    apply: () => {
      die(state, process);
    },
  };
  const after = process.pending
    .filter(({ operation }) => operation.isWrite)
    .map((pending) => ({
      text: `${process.asks(pending)}, and ${process.name} dies before the answer`,
      isFault: true,
      apply: () => {
        state.cause = pending.by;
        pending.operation.effect("now");
        process.take(pending);
        process.lastDone = pending.site;
        die(state, process);
      },
    }));
  return [before, ...after];
}

function die(state: State, process: Process): void {
  state.faults.crashes--;
  state.crashSites.before.push(...process.pending.map(({ site }) => site));
  if (process.lastDone !== undefined) state.crashSites.after.push(process.lastDone);
  // What the dead knew makes no difference any more.
  process.history = "";
  process.crashed = true;
  process.pending.splice(0);
  state.monitor.died(process.name);
}

function answer(state: State, process: Process, pending: Pending, value: unknown): void {
  process.lastDone = pending.site;
  remember(state, process, pending, value);
  pending.resolve(value);
}

function remember(state: State, process: Process, pending: Pending, value: unknown): void {
  const told = value === undefined ? "nothing" : JSON.stringify(value);
  process.history = digest([process.history, process.asks(pending), state.clock.ms, told].join("|"));
}
