/** What may happen next: whose request takes effect, and how it goes. */
import type { Refusal, Reply } from "./operation.js";
import { NO_ANSWER, THROTTLED } from "./replies.js";
import type { Late, Pending, Process, State } from "./state.js";

export interface Choice {
  /** Whether something goes wrong with it. */
  readonly isFault: boolean;
  /** Whether what goes wrong is an answer: lost, refused or throttled. */
  readonly isLoss: boolean;
  /** As the story tells it. */
  text(): string;
  apply(): void;
}

/**
 * Everything that may happen in this state; none when all has ended. First comes the calm course: who
 * went last goes on. So the fewer choices of a schedule differ from the first, the fewer switches and
 * faults it has.
 */
export function choicesOf(state: State): Choice[] {
  const choices: Choice[] = [];
  const last = state.processes.find(({ name }) => name === state.actor);
  if (last !== undefined) addWaysOf(choices, state, last);
  for (const process of state.processes) if (process !== last) addWaysOf(choices, state, process);
  const isOver = choices.length === 0;
  for (const late of state.late) choices.push(new Arrival(state, late));
  if (isOver && choices.length > 0) choices.push(new Arrival(state, undefined));
  return choices;
}

/** How an operation can go. */
type How = keyof typeof HOW;

const HOW = {
  done: "",
  stale: ", answered one version late",
  throttled: ", throttled (429)",
  // 408, 449, 503 and a reset are one to the port: nobody knows. What differs is what really happened.
  refused: ", no answer",
  lost: ", done, but the answer is lost",
  late: ", no answer in time: it may happen yet",
};

function addWaysOf(choices: Choice[], state: State, process: Process): void {
  if (process.crashed) return;
  const { faults } = state;
  const { pending } = process;
  for (const one of pending) {
    const { isWrite, mayBeStale, name } = one.operation;
    const add = (how: How): void => void choices.push(new Way(state, process, one, how));
    add("done");
    if (mayBeStale && faults.stale > 0) add("stale");
    // Time has no answer.
    if (name === "ping" || faults.lost === 0) continue;
    add("throttled");
    if (isWrite) {
      add("lost");
      add("late");
    } else add("refused");
  }
  if (faults.crashes === 0 || pending.length === 0) return;
  choices.push(new Death(state, process, undefined));
  for (const one of pending) if (one.operation.isWrite) choices.push(new Death(state, process, one));
}

/** An operation takes effect, or fails. */
class Way implements Choice {
  readonly #state: State;
  readonly #process: Process;
  readonly #pending: Pending;
  readonly #how: How;

  constructor(state: State, process: Process, pending: Pending, how: How) {
    this.#state = state;
    this.#process = process;
    this.#pending = pending;
    this.#how = how;
  }

  get isFault(): boolean {
    return this.#how !== "done";
  }

  get isLoss(): boolean {
    return this.#how !== "done" && this.#how !== "stale";
  }

  text(): string {
    return `${this.#process.asks(this.#pending)}${HOW[this.#how]}`;
  }

  apply(): void {
    const [state, { operation, by }] = [this.#state, this.#pending];
    state.actor = this.#process.name;
    state.cause = by;
    switch (this.#how) {
      case "done":
        this.#answer(operation.effect("now"));
        return;
      case "stale":
        state.faults.stale--;
        state.monitor.requests.shownOld(by);
        this.#answer(operation.effect("one version late"));
        return;
      case "throttled":
        this.#fail(THROTTLED);
        return;
      case "refused":
      case "lost":
      case "late":
        state.monitor.requests.outcomeUnknown(by, operation);
        if (this.#how === "lost") operation.effect("now");
        if (this.#how === "late") state.late.push(this.#late());
        this.#fail(NO_ANSWER[this.#how]);
    }
  }

  #answer(reply: Reply): void {
    this.#process.lastDone = this.#pending.site;
    this.#process.hears(this.#pending, reply, this.#state);
  }

  #fail(refusal: Refusal): void {
    this.#state.faults.lost--;
    this.#process.hears(this.#pending, refusal, this.#state);
  }

  #late(): Late {
    const { operation, by } = this.#pending;
    const text = `the late write of ${this.#process.asks(this.#pending)} arrives`;
    return { text, by, effect: () => operation.effect("now") };
  }
}

/** An actor dies: before the effect of what it asked for, or between that and the answer. */
class Death implements Choice {
  readonly isFault = true;
  readonly isLoss = false;
  readonly #state: State;
  readonly #process: Process;
  readonly #done: Pending | undefined;

  constructor(state: State, process: Process, done: Pending | undefined) {
    this.#state = state;
    this.#process = process;
    this.#done = done;
  }

  text(): string {
    const { name } = this.#process;
    if (this.#done === undefined) return `${name} dies`;
    return `${this.#process.asks(this.#done)}, and ${name} dies before the answer`;
  }

  apply(): void {
    const [state, process, done] = [this.#state, this.#process, this.#done];
    if (done !== undefined) {
      state.cause = done.by;
      done.operation.effect("now");
      process.lastDone = done.site;
    }
    state.faults.crashes--;
    for (const pending of process.pending) if (pending !== done) state.crashSites.before.push(pending.site);
    if (process.lastDone !== undefined) state.crashSites.after.push(process.lastDone);
    process.dies();
    state.monitor.requests.died(process.name);
  }
}

/** A write arrives that was given up on; or, at the end, none of them ever does. */
class Arrival implements Choice {
  readonly isLoss = false;
  readonly #state: State;
  readonly #late: Late | undefined;

  constructor(state: State, late: Late | undefined) {
    this.#state = state;
    this.#late = late;
  }

  get isFault(): boolean {
    return this.#late !== undefined;
  }

  text(): string {
    return this.#late?.text ?? "what is late never arrives";
  }

  apply(): void {
    const [{ late: all }, late] = [this.#state, this.#late];
    all.splice(late === undefined ? 0 : all.indexOf(late), late === undefined ? all.length : 1);
    if (late === undefined) return;
    this.#state.cause = late.by;
    late.effect();
  }
}
