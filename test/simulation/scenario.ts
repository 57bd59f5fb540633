import type { Scenario } from "./explore.js";
import type { Actor, Self } from "./run.js";
import type { Faults } from "./state.js";

const ONE_OF_EACH: Faults = { crashes: 1, lost: 1, stale: 1 };
export const ONE_CRASH: Faults = { crashes: 1, lost: 0, stale: 1 };

/** A scenario: what is there before it begins, who plays, and how much may go wrong. */
export function scenario(
  name: string,
  setUp: (self: Self, advance: (seconds: number) => void) => Promise<void>,
  actors: readonly Actor[],
  faults: Faults = ONE_OF_EACH,
): Scenario {
  return {
    name,
    faults,
    processes: actors.filter(({ isClock }) => isClock !== true).length,
    actors: async (self, advance) => {
      await setUp(self, advance);
      return actors;
    },
  };
}
