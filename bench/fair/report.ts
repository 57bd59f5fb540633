/** The results as JSON has them, and as tables. */
import type { LatencyRow } from "./claim-latency.js";
import type { LeaseWritesRow } from "./lease-writes.js";
import type { Machine } from "./machine.js";
import type { RecoveryRow } from "./recovery.js";
import { rounded } from "./statistics.js";
import type { ThroughputRow } from "./throughput.js";

export interface Results {
  readonly bench: "fair";
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly tookSeconds: number;
  readonly throughput: readonly ThroughputRow[];
  readonly ratios: readonly Ratio[];
  readonly backlog: readonly LatencyRow[];
  readonly ineligible: readonly LatencyRow[];
  readonly recovery: readonly RecoveryRow[];
  readonly leaseWrites: readonly LeaseWritesRow[];
}

/** How many jobs a second this project does for one of a peer's, durability alike, without delay. */
export interface Ratio {
  readonly to: string;
  readonly durability: string;
  /** `best`: each with the number of workers that suits it best. */
  readonly workers: number | "best";
  readonly ratio: number;
  /** What it is to be at least, where that is a target of this project. */
  readonly target?: number;
}

const OURS = "fleet";
/** Of what survives a power cut. */
const TARGETS: Readonly<Record<string, number>> = { "pg-boss": 2, "graphile-worker": 1 };
const MOST_WORKERS = 64;

/** This project's embedded store to every peer: with each at its best, and with 64 workers. */
export function ratiosOf(rows: readonly ThroughputRow[]): Ratio[] {
  const direct = rows.filter(({ delayMs }) => delayMs === 0);
  const peers = new Set(direct.map(({ system }) => system).filter((name) => !name.startsWith(OURS)));
  const rate = (system: string, durability: string, workers: number | "best"): number =>
    Math.max(
      ...direct
        .filter((row) => row.system === system && row.durability === durability)
        .filter((row) => workers === "best" || row.workers === workers)
        .map((row) => row.jobsPerSecond),
    );
  return [...peers].flatMap((to) =>
    (["power", "process"] as const).flatMap((durability) =>
      (["best", MOST_WORKERS] as const).map((workers) => {
        const ratio = rounded(rate(OURS, durability, workers) / rate(to, durability, workers));
        const target = durability === "power" ? TARGETS[to] : undefined;
        return { to, durability, workers, ratio, ...(target === undefined ? {} : { target }) };
      }),
    ),
  );
}

/** A table in Markdown, formatted as Prettier does. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, at) => Math.max(3, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, at) => (row[at] ?? "").padEnd(width)).join(" | ")} |`;
  const [first = "", ...others] = cells.map(line);
  return [first, line(widths.map((width) => "-".repeat(width))), ...others].join("\n");
}

/** All tables, each under its heading; what was not measured has none. */
export function asMarkdown(results: Results): string {
  const parts = [
    ...throughputTables(results.throughput),
    section("This project's jobs per second for one of theirs", ratioTable(results.ratios)),
    section("One claim against the backlog: milliseconds, p50 (p99)", latencyTable(results.backlog)),
    section(
      "One claim against jobs at the head that the worker can't take: milliseconds, p50 (p99)",
      latencyTable(results.ineligible),
    ),
    section(
      "From SIGKILL to the next claim of the job: seconds",
      results.recovery.length === 0
        ? ""
        : table(
            ["", "median", "range"],
            results.recovery.map(({ system, medianSeconds, range }) => [
              system,
              medianSeconds,
              range.join(" to "),
            ]),
          ),
    ),
    section(
      "Writes per second that keep 1,000 jobs leased",
      results.leaseWrites.length === 0
        ? ""
        : table(
            ["", "writes per second"],
            results.leaseWrites.map(({ system, writesPerSecond }) => [system, writesPerSecond]),
          ),
    ),
  ];
  return [machineText(results), ...parts.filter((part) => part !== "")].join("\n\n");
}

function section(heading: string, body: string): string {
  return body === "" ? "" : `### ${heading}\n\n${body}`;
}

function machineText({ machine, versions, tookSeconds, rounds }: Results): string {
  const { processor, cores, memoryGiB, system, node, syncMs } = machine;
  return [
    `- ${cores} cores of ${processor}, ${memoryGiB} GiB; ${system}; Node ${node}`,
    `- 8 KiB written and synced to the disk: ${syncMs.p50} ms at the median, ${syncMs.p99} ms at the 99th percentile`,
    `- ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    `- medians of ${rounds}; the whole took ${Math.round(tookSeconds / 60)} minutes`,
  ].join("\n");
}

const SURVIVES: Readonly<Record<string, string>> = {
  power: "a power cut",
  process: "the end of a process",
};

function throughputTables(rows: readonly ThroughputRow[]): string[] {
  const kinds = new Map(rows.map((row) => [`${row.delayMs}/${row.durability}`, row]));
  return [...kinds.values()].flatMap(({ delayMs, durability }) => {
    const of = rows.filter((row) => row.delayMs === delayMs && row.durability === durability);
    const where = `${delayMs === 0 ? "no delay" : `${delayMs} ms to the store`}, what is answered survives ${SURVIVES[durability]}`;
    const per = (cell: (row: ThroughputRow) => string | number): string => byWorkers(of, cell);
    return [
      section(
        `Claim + finish per second: ${where}`,
        per(({ jobsPerSecond }) => jobsPerSecond),
      ),
      section(
        `Claim + finish of one job: milliseconds, p50 (p99): ${where}`,
        per(({ p50Ms, p99Ms }) => `${p50Ms} (${p99Ms})`),
      ),
    ];
  });
}

function byWorkers(rows: readonly ThroughputRow[], cell: (row: ThroughputRow) => string | number): string {
  const workers = [...new Set(rows.map((row) => row.workers))];
  const lines = [...new Set(rows.map(({ system }) => system))].map((system) => [
    system,
    ...workers.map((count) => {
      const row = rows.find((found) => found.system === system && found.workers === count);
      return row === undefined ? "" : cell(row);
    }),
  ]);
  return table(["workers", ...workers.map(String)], lines);
}

function ratioTable(ratios: readonly Ratio[]): string {
  if (ratios.length === 0) return "";
  return table(
    ["to", "survives", "workers", "ratio", "target"],
    ratios.map(({ to, durability, workers, ratio, target }) => [
      to,
      SURVIVES[durability] ?? durability,
      workers === "best" ? "each at its best" : workers,
      ratio,
      target === undefined ? "" : `at least ${target}: ${ratio >= target ? "met" : "missed"}`,
    ]),
  );
}

function latencyTable(rows: readonly LatencyRow[]): string {
  if (rows.length === 0) return "";
  const sizes = [...new Set(rows.map(({ jobs }) => jobs))];
  const lines = [...new Set(rows.map(({ system }) => system))].map((system) => [
    system,
    ...sizes.map((size) => {
      const row = rows.find((found) => found.system === system && found.jobs === size);
      return row === undefined ? "" : `${row.p50Ms} (${row.p99Ms})`;
    }),
  ]);
  return table(["jobs", ...sizes.map((size) => size.toLocaleString("en"))], lines);
}
