/** Time for a run of many claims: the machine's, or one that passes only where somebody waits. */
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";

export interface Time {
  /** Milliseconds since the run began. */
  now(): number;
  wait(ms: number): Promise<void>;
  /** Runs `work`, and lets time pass meanwhile. */
  during<T>(work: () => Promise<T>): Promise<T>;
}

export function realTime(): Time {
  const begun = performance.now();
  return {
    now: () => performance.now() - begun,
    wait: (ms) => sleep(ms),
    during: (work) => work(),
  };
}

/**
 * Time that goes to the next instant at which somebody stops waiting, once all others wait: as if the machine took
 * no time at all. Who waits until the same instant goes on in the order of the waits.
 */
export function virtualTime(): Time {
  let nowMs = 0;
  let waits: { readonly untilMs: number; readonly resolve: () => void }[] = [];
  return {
    now: () => nowMs,
    wait: (ms) =>
      new Promise((resolve) => {
        const untilMs = nowMs + ms;
        const place = waits.findLastIndex((wait) => wait.untilMs <= untilMs);
        waits = waits.toSpliced(place + 1, 0, { untilMs, resolve });
      }),
    during: async (work) => {
      const state = { ended: false };
      const result = work().finally(() => {
        state.ended = true;
      });
      result.catch(() => undefined);
      while (!state.ended) {
        // All that can go on without waiting has gone on when the event loop turns.
        await turn();
        const next = waits.shift();
        if (next === undefined) continue;
        nowMs = next.untilMs;
        next.resolve();
      }
      return result;
    },
  };
}
