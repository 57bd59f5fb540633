/** The results as SVG, drawn by Vega-Lite from `bench/peers`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peerModule } from "./peers.js";
import type { Results } from "./report.js";

interface Lines {
  readonly kind: "lines";
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Both axes are logarithmic, but for an x that is zero somewhere. */
  readonly points: readonly { readonly series: string; readonly x: number; readonly y: number }[];
}

interface Bars {
  readonly kind: "bars";
  readonly title: string;
  readonly y: string;
  readonly points: readonly { readonly series: string; readonly y: number }[];
}

export type Plot = Lines | Bars;

/** The plots of these results, by the name of their file. */
export function plotsOf(results: Results): Readonly<Record<string, Plot>> {
  const { throughput, backlog, ineligible, recovery, leaseWrites } = results;
  const rows = (durability: string) =>
    throughput.filter((row) => row.delayMs === 0 && row.durability === durability);
  const lines = (title: string, x: string, y: string, points: Lines["points"]): Lines => ({
    kind: "lines",
    title,
    x,
    y,
    points,
  });
  const rates = (durability: string) =>
    rows(durability).map(({ system, workers, jobsPerSecond }) => ({
      series: system,
      x: workers,
      y: jobsPerSecond,
    }));
  const p99s = rows("power").map(({ system, workers, p99Ms }) => ({ series: system, x: workers, y: p99Ms }));
  const claims = (of: Results["backlog"]) =>
    of.map(({ system, jobs, p50Ms }) => ({ series: system, x: jobs, y: p50Ms }));
  const perSecond = "claim + finish per second";
  return {
    "throughput-power": lines("Survives a power cut", "workers", perSecond, rates("power")),
    "throughput-process": lines("Survives the end of a process", "workers", perSecond, rates("process")),
    p99: lines("Claim + finish, p99; survives a power cut", "workers", "milliseconds", p99s),
    delay: lines(
      "64 workers; survives a power cut",
      "delay of each request to the store, milliseconds",
      perSecond,
      throughput
        .filter(({ workers, durability }) => workers === 64 && durability === "power")
        .map(({ system, delayMs, jobsPerSecond }) => ({ series: system, x: delayMs, y: jobsPerSecond })),
    ),
    backlog: lines("One claim, p50", "jobs that wait", "milliseconds", claims(backlog)),
    ineligible: lines(
      "One claim, p50",
      "jobs at the head that the worker can't take",
      "milliseconds",
      claims(ineligible),
    ),
    recovery: {
      kind: "bars",
      title: "From SIGKILL to the next claim",
      y: "seconds",
      points: recovery.map(({ system, medianSeconds }) => ({ series: system, y: medianSeconds })),
    },
    "lease-writes": {
      kind: "bars",
      title: "1,000 jobs leased",
      y: "writes per second",
      points: leaseWrites.map(({ system, writesPerSecond }) => ({ series: system, y: writesPerSecond })),
    },
  };
}

/** Draws them into the folder, each as `<name>.svg`; one without points is left as it was. */
export async function drawPlots(results: Results, folder: string): Promise<void> {
  const { draw } = await peerModule<{ draw: (plot: Plot) => Promise<string> }>("plot");
  mkdirSync(folder, { recursive: true });
  for (const [name, plot] of Object.entries(plotsOf(results)))
    if (plot.points.length > 0) writeFileSync(join(folder, `${name}.svg`), `${await draw(plot)}\n`);
}
