import { describe, expect, it } from "vitest";
import { letWork } from "../../bench/fair/measure.js";
import type { Hand, PulledCrew } from "../../bench/fair/queue.js";

function aCrew(...hands: Hand[]): PulledCrew {
  return { kind: "pull", hands, end: () => Promise.resolve() };
}

describe("a run of the benchmark", () => {
  it("has no figure when the queue ran empty", async () => {
    const idle: Hand = { claim: () => Promise.resolve(undefined), finish: () => Promise.resolve() };
    await expect(letWork(aCrew(idle), 1000)).rejects.toThrow("ran empty");
  });

  it("counts the job that a worker has when the time is up, and waits for its end", async () => {
    const finished: unknown[] = [];
    const hand = (name: string): Hand => ({
      claim: () => Promise.resolve(name),
      finish: async (job) => {
        await new Promise((resolve) => setImmediate(resolve));
        finished.push(job);
      },
    });
    const { jobs, cycles } = await letWork(aCrew(hand("one"), hand("other")), 1);
    expect(jobs).toBe(finished.length);
    expect(cycles).toHaveLength(jobs);
    expect(new Set(finished)).toEqual(new Set(["one", "other"]));
  });
});
