/** The real clock, ids, chance and waiting: the one place that asks the system for them. */
import { randomUUID } from "node:crypto";
import type { Clock, Ids, Pause, Random } from "./core/ports/runtime.js";

/**
 * How far the system's clock may be set back before we follow it, in milliseconds. Less is smoothed
 * over; more is a correction, and leases that end an hour late would be worse than two jobs out of order.
 */
const SET_BACK_MS_MAX = 2000;

/**
 * Milliseconds since 1970, in whole microseconds, later at each call. Jobs queue in the order of their
 * microseconds, so those that one process accepts within a millisecond keep their order.
 */
export function systemClock(): Clock {
  let lastMicros = 0;
  return {
    now: () => {
      const systemMicros = Date.now() * 1000;
      const setBack = lastMicros - systemMicros > SET_BACK_MS_MAX * 1000;
      lastMicros = setBack ? systemMicros : Math.max(systemMicros, lastMicros + 1);
      return lastMicros / 1000;
    },
  };
}

// A random UUID, and not one that begins with the time: Node 22 has no randomUUIDv7.
export const systemIds: Ids = { unique: () => randomUUID() };

export const systemRandom: Random = { next: () => Math.random() };

export const systemPause: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
