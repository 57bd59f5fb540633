/** Lets a crew work for a while. */
import { setTimeout as pause } from "node:timers/promises";
import type { Crew, Cycle, Hand } from "./queue.js";

export interface Work {
  readonly jobs: number;
  readonly tookMs: number;
  readonly cycles: readonly Cycle[];
}

/**
 * Every worker takes and finishes one job after the other, for `forMs`; then each finishes the job it has. The
 * time counts from the first request until all of them are finished. Throws when the queue ran empty: such a
 * figure means nothing.
 */
export async function letWork(crew: Crew, forMs: number): Promise<Work> {
  const cycles: Cycle[] = [];
  if (crew.kind === "push") {
    await crew.start((cycle) => cycles.push(cycle));
    await pause(forMs);
    await crew.pause();
  } else {
    const deadline = performance.now() + forMs;
    await Promise.all(crew.hands.map((hand) => untilTime(hand, deadline, cycles)));
  }
  const begun = cycles.reduce((first, { askedAt }) => Math.min(first, askedAt), Infinity);
  return { jobs: cycles.length, tookMs: performance.now() - begun, cycles };
}

async function untilTime(hand: Hand, deadline: number, cycles: Cycle[]): Promise<void> {
  while (performance.now() < deadline) {
    const askedAt = performance.now();
    const job = await hand.claim();
    if (job === undefined) throw new Error("the queue ran empty");
    const claimMs = performance.now() - askedAt;
    await hand.finish(job);
    cycles.push({ askedAt, claimMs, cycleMs: performance.now() - askedAt });
  }
}
