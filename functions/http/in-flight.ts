/**
 * How many requests of one credential are under way on this instance. Without a bound one client that sends
 * without waiting takes the memory, the event loop and the store's share of all the others. A count per
 * instance needs no store, and none is wanted: what is bounded is this very process.
 */

/** What is under way ends within it, as a rule; the smallest that the header can say. */
export const BUSY_RETRY_SECONDS = 1;

export interface InFlight {
  /** Does the work, or answers `busy` at once where the caller has as many requests under way as it may. */
  run<T>(caller: string, work: () => Promise<T>): Promise<T | "busy">;
}

/** At most `max` at a time for each caller; 0: as many as come. */
export function inFlight(max: number): InFlight {
  // Only those that have some: names of tokens are many, and come and go.
  const running = new Map<string, number>();
  return {
    run: async (caller, work) => {
      if (max === 0) return work();
      const others = running.get(caller) ?? 0;
      if (others >= max) return "busy";
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
