import { describe, expect, it } from "vitest";
import { METRICS, metricsRecorder } from "../../shared/telemetry/metrics.js";
import { allDecisions } from "../support/decisions.js";
import { fakeExporter } from "../support/meter.js";
import type { Point } from "../support/meter.js";
import type { Decision } from "../../shared/schema/decision.js";

/** What the decisions measure. */
async function measured(...decisions: readonly Decision[]): Promise<Point[]> {
  const { meter, exported } = fakeExporter();
  const recorder = metricsRecorder(meter);
  decisions.forEach((one) => {
    recorder.decision(one);
  });
  return exported();
}

const product = "acme";
const job = { productId: product, jobId: "j1", leaseEpoch: 1, attempt: 1 };

describe("a metric", () => {
  it("is measured by something, and has the attributes that the list says, and no other", async () => {
    const { meter, exported } = fakeExporter();
    const recorder = metricsRecorder(meter);
    for (const one of allDecisions) recorder.decision(one);
    recorder.answered("claim", 200, 3);
    recorder.stored("read", "done", 1);
    recorder.charged("read", "fleet_jobs", 1);
    const found = new Map((await exported()).map(([name, attributes]) => [name, Object.keys(attributes)]));
    const listed = Object.entries(METRICS).map(([name, [, , , attributes]]) => [
      name,
      attributes === "" ? [] : attributes.split(", "),
    ]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(listed));
  });

  it("never has a job, a factory or a request to tell its series apart", async () => {
    expect(JSON.stringify(await measured(...allDecisions))).not.toMatch(/"j1"|"f1"/);
  });
});

describe("what decisions measure", () => {
  it("a claim: one, and how long the job waited", async () => {
    const told = { ...job, decision: "claimed", factoryId: "f1", stage: "assigned", waitedMs: 42 } as const;
    expect(await measured(told, { ...told, waitedMs: 8 })).toEqual([
      ["fleet.claims", { product }, 2],
      ["fleet.claim.latency", { product }, 50],
    ]);
  });

  it("a ship: one, how long its run was, and what it cost", async () => {
    const told = { ...job, decision: "shipped", stage: "shipped", ranMs: 7, costUsd: 0.5 } as const;
    expect(await measured(told)).toEqual([
      ["fleet.ships", { product }, 1],
      ["fleet.run.duration", { product, end: "shipped" }, 7],
      ["fleet.run.cost", { product }, 0.5],
    ]);
  });

  it("an expiry is a failure only when the job is dead", async () => {
    const told = { ...job, decision: "expired", stage: "queued", failure: "lease_expired" } as const;
    expect(await measured(told)).toEqual([["fleet.expiries", { product }, 1]]);
    expect(await measured({ ...told, stage: "dead_letter" })).toEqual([
      ["fleet.expiries", { product }, 1],
      ["fleet.failures", { product, failure: "lease_expired" }, 1],
    ]);
  });

  it("a claim's lost candidates and a write's conflicts, as many as there were", async () => {
    const races = { decision: "race_lost", productId: product, factoryId: "f1", races: 3 } as const;
    const conflicts = { decision: "write_conflict", productId: product, jobId: "j1", conflicts: 2 } as const;
    expect(await measured(races, races, conflicts)).toEqual([
      ["fleet.races.lost", { product }, 6],
      ["fleet.write.conflicts", { product }, 2],
    ]);
  });

  it("a snapshot: what is open now, not what was before", async () => {
    const snapshot = allDecisions.find((one) => one.decision === "snapshot");
    if (snapshot === undefined) throw new Error("no snapshot");
    const points = await measured(snapshot, { ...snapshot, queued: 9, oldestQueuedSeconds: 1 });
    expect(points).toContainEqual(["fleet.jobs", { product, stage: "queued" }, 9]);
    expect(points).toContainEqual(["fleet.queue.oldest", { product }, 1]);
    expect(points).toContainEqual(["fleet.leases.live", { product }, 4]);
  });
});
