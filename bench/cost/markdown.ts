/** The part of docs/cost.md that is figures: between two marks, written by `npm run bench:cost -- --update`. */
import { readFileSync, writeFileSync } from "node:fs";
import { billOf } from "./bill.js";
import type { BillItem, FleetSize } from "./bill.js";
import type { BodyFigures } from "./report.js";

const BEGIN = "<!-- what npm run bench:cost -- --update writes -->";
const END = "<!-- its end -->";
/** The size that the steps are shown of. */
export const SHOWN_KB = 4;
export const EXAMPLE: FleetSize = {
  factories: 20,
  seats: 4,
  leaseSeconds: 90,
  jobSeconds: 1800,
  heartbeatSeconds: 30,
};

/** Replaces the figures in the page. Throws where it has no place for them. */
export function updatePage(path: string, bodies: readonly BodyFigures[]): void {
  const page = readFileSync(path, "utf8");
  const [before, rest] = page.split(BEGIN);
  const [, after] = (rest ?? "").split(END);
  if (before === undefined || after === undefined) throw new Error(`${path} has no place for the figures`);
  writeFileSync(path, `${before}${BEGIN}\n\n${figuresText(bodies)}\n\n${END}${after}`);
}

function figuresText(bodies: readonly BodyFigures[]): string {
  const shown = bodies.find(({ kb }) => kb === SHOWN_KB);
  if (shown === undefined) throw new Error(`no figures of ${SHOWN_KB} KB`);
  const { factories, seats, leaseSeconds, jobSeconds, heartbeatSeconds } = EXAMPLE;
  return [
    `A body of ${SHOWN_KB} KB, step by step. What is in brackets is beside the life:`,
    stepsTable(shown),
    "A life, by the size of its body:",
    sizesTable(bodies),
    `A month of ${factories} factories with ${seats} seats each, all at work, leases of ${leaseSeconds} s, ` +
      `jobs of ${jobSeconds / 60} minutes, a heartbeat every ${heartbeatSeconds} s:`,
    billTable(billOf(EXAMPLE, shown)),
  ].join("\n\n");
}

function stepsTable({ steps }: BodyFigures): string {
  const head = ["Step", "requests", "in a row", "RU", "Strong", "naive", "naive, Strong"];
  const rows = steps.map(({ name, inLife, requests, sequential, ru, strongRu, naiveRu, naiveStrongRu }) => [
    inLife ? name : `(${name})`,
    ...[requests, sequential].map(String),
    ...[ru, strongRu, naiveRu, naiveStrongRu].map((one) => one.toFixed(1)),
  ]);
  return table(head, rows);
}

function sizesTable(bodies: readonly BodyFigures[]): string {
  const head = ["Body", "RU", "of writes", "Strong", "swept later", "naive", "naive, Strong"];
  const rows = bodies.map((body) => [
    `${body.kb} KB`,
    ...[body.totalRu, body.totalWriteRu, body.totalStrongRu, body.sweptLaterRu].map((ru) => ru.toFixed(0)),
    ...[body.totalNaiveRu, body.totalNaiveStrongRu].map((ru) => ru.toFixed(0)),
  ]);
  return table(head, rows);
}

function billTable(items: readonly BillItem[]): string {
  const total = (of: (item: BillItem) => number): number => items.reduce((sum, item) => sum + of(item), 0);
  const rows = items.map((item) => [
    item.what,
    item.perSecond.toFixed(2),
    item.ruEach.toFixed(1),
    item.ruPerSecond.toFixed(1),
    item.dollarsPerMonth.toFixed(2),
  ]);
  const ruPerSecond = total((item) => item.ruPerSecond).toFixed(1);
  rows.push(["in all", "", "", ruPerSecond, total((item) => item.dollarsPerMonth).toFixed(2)]);
  return table(["What", "a second", "RU each", "RU a second", "dollars a month"], rows);
}

/** As the formatter has it: each column as wide as its widest cell, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
