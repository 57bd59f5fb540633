/**
 * How many requests of one credential are under way on this instance. Without a bound one client that sends
 * without waiting takes the memory, the event loop and the store's share of all the others. A count per
 * instance needs no store, and none is wanted: what is bounded is this very process.
 *
 * Who is refused is held for a moment first. A client that waits for its answers and not for `Retry-After` would
 * be back within a millisecond, and a thousand refusals a second slow the others as much as the work would have
 * (measured: docs/reliability.md). Held, each of its connections comes twice a second; and whoever waits as it is
 * told loses nothing.
 */
import type { Pause } from "../../shared/core/ports/runtime.js";

/** What is under way ends within it, as a rule; the smallest that the header can say. */
export const BUSY_RETRY_SECONDS = 1;
/** How long a refusal is held, in milliseconds: within what its `Retry-After` asks for. */
export const HOLD_MS = 500;
/** How much longer for each that is held already: those that came together do not all come back together. */
const SPREAD_MS = 5;
/** Refusals held at a time: each has its body in memory, up to 1 MiB. Those beyond are answered at once. */
const HELD_MAX = 100;

export interface InFlight {
  /** Does the work; or answers `busy`, a moment later, where the caller has as many requests under way as it may. */
  run<T>(caller: string, work: () => Promise<T>): Promise<T | "busy">;
}

/** At most `max` at a time for each caller; 0: as many as come. */
export function inFlight(max: number, pause: Pause): InFlight {
  // Only those that have some: names of tokens are many, and come and go.
  const running = new Map<string, number>();
  let held = 0;
  const hold = async (): Promise<void> => {
    if (held >= HELD_MAX) return;
    held++;
    await pause(HOLD_MS + held * SPREAD_MS).finally(() => held--);
  };
  return {
    run: async (caller, work) => {
      if (max === 0) return work();
      const others = running.get(caller) ?? 0;
      if (others >= max) {
        await hold();
        return "busy";
      }
      running.set(caller, others + 1);
      try {
        return await work();
      } finally {
        const left = (running.get(caller) ?? 1) - 1;
        if (left === 0) running.delete(caller);
        else running.set(caller, left);
      }
    },
  };
}
