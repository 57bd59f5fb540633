import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fleetEmbedded } from "../../bench/fair/fleet-embedded.js";
import type { Hand, Queue } from "../../bench/fair/queue.js";
import type { Job } from "../../shared/schema/job.js";

let folder: string;
let queue: Queue;
let hand: Hand;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleet-fill-"));
  queue = await fleetEmbedded(folder, "process").open(0);
  const crew = await queue.crew(1);
  if (crew.kind !== "pull" || crew.hands[0] === undefined) throw new Error("no worker to ask");
  [hand] = crew.hands;
});

afterEach(async () => {
  await queue.close();
  rmSync(folder, { recursive: true });
});

async function claimAll(): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let job = await hand.claim(); job !== undefined; job = await hand.claim()) {
    jobs.push(job as Job);
    await hand.finish(job);
  }
  return jobs;
}

describe("the jobs that the benchmark fills a queue with", () => {
  it("are as many as asked for, each claimed and shipped once, in their order", async () => {
    await queue.fill(4);
    await queue.fill(3);
    const jobs = await claimAll();
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(7);
    const [first, second] = [
      ["job-1", "job-1-1", "job-1-2", "job-1-3"],
      ["job-2", "job-2-1", "job-2-2"],
    ];
    expect(jobs.map(({ idempotencyKey }) => idempotencyKey)).toEqual([...first, ...second]);
  });

  it("stay where they are when the worker can't do them, however old they are", async () => {
    await queue.fillIneligible(5);
    await queue.fill(2);
    const jobs = await claimAll();
    expect(jobs.map(({ capabilities }) => capabilities)).toEqual([["linux"], ["linux"]]);
  });
});
