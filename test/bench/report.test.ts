import { check } from "prettier";
import { describe, expect, it } from "vitest";
import { asMarkdown, ratiosOf, table } from "../../bench/fair/report.js";
import type { Results } from "../../bench/fair/report.js";
import type { ThroughputRow } from "../../bench/fair/throughput.js";

function aRow(given: Partial<ThroughputRow>): ThroughputRow {
  const times = { p50Ms: 1, p99Ms: 2, range: [1, 1] as const };
  return {
    system: "fleet",
    durability: "power",
    delayMs: 0,
    workers: 64,
    jobsPerSecond: 1,
    ...times,
    ...given,
  };
}

const ROWS = [
  aRow({ workers: 16, jobsPerSecond: 300 }),
  aRow({ workers: 64, jobsPerSecond: 200 }),
  aRow({ workers: 64, jobsPerSecond: 9000, delayMs: 5 }),
  aRow({ system: "peer", workers: 16, jobsPerSecond: 100 }),
  aRow({ system: "peer", workers: 64, jobsPerSecond: 400 }),
  aRow({ durability: "process", jobsPerSecond: 1000 }),
  aRow({ system: "peer", durability: "process", jobsPerSecond: 500 }),
];

const RESULTS: Results = {
  bench: "fair",
  machine: {
    system: "Linux",
    processor: "a processor",
    cores: 2,
    memoryGiB: 8,
    node: "v24",
    syncMs: { p50: 1, p99: 2 },
  },
  versions: { pg: "8.0.0" },
  rounds: 5,
  tookSeconds: 60,
  throughput: ROWS,
  ratios: ratiosOf(ROWS),
  backlog: [{ system: "fleet", durability: "power", jobs: 1000, p50Ms: 1, p99Ms: 2 }],
  ineligible: [],
  recovery: [{ system: "fleet", medianSeconds: 1, range: [1, 2] }],
  leaseWrites: [{ system: "fleet", writesPerSecond: 33 }],
};

describe("the benchmark's report", () => {
  it("compares like with like: each at its best, or both with 64 workers, never across durability or delay", () => {
    const ratio = (durability: string, workers: number | "best") =>
      ratiosOf(ROWS).find((found) => found.durability === durability && found.workers === workers)?.ratio;
    expect(ratio("power", "best")).toBe(0.75);
    expect(ratio("power", 64)).toBe(0.5);
    expect(ratio("process", 64)).toBe(2);
  });

  it("says where a target is met: twice pg-boss, and only where what is answered survives a power cut", () => {
    const rows = ROWS.map((row) => (row.system === "peer" ? { ...row, system: "pg-boss" } : row));
    const targets = ratiosOf(rows).map(({ durability, target }) => [durability, target]);
    expect(targets).toContainEqual(["power", 2]);
    expect(targets).toContainEqual(["process", undefined]);
    expect(asMarkdown({ ...RESULTS, ratios: ratiosOf(rows) })).toContain("at least 2: missed");
  });

  it("is Markdown that the format check of this repository accepts as it is", async () => {
    const markdown = asMarkdown(RESULTS);
    expect(await check(`${markdown}\n`, { parser: "markdown", printWidth: 110 })).toBe(true);
    expect(markdown).toContain("### From SIGKILL");
  });

  it("has no heading over what was not measured", () => {
    expect(asMarkdown(RESULTS)).not.toContain("can't take");
  });

  it("leaves a cell empty where a system has no figure", () => {
    expect(table(["a", "b"], [["one", ""]])).toBe("| a   | b   |\n| --- | --- |\n| one |     |");
  });
});
