/** docs/telemetry.md shows every decision and every metric: is that so, field by field? */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DECISION_FIELDS } from "../../shared/schema/decision.js";
import { METRICS } from "../../shared/telemetry/metrics.js";

const page = readFileSync("docs/telemetry.md", "utf8");
/** The rows of the tables under a heading, cell by cell. */
function rowsUnder(heading: string): string[][] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return own
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
const common = ["decision", "requestId", "traceId", "caller"];

describe("docs/telemetry.md", () => {
  it("shows every decision, with its fields and what it means", () => {
    const rows = rowsUnder("Decisions");
    const shown = rows.flatMap(([names = "", , fields = ""]) =>
      quoted(names).map((name): [string, string[]] => [name, quoted(fields)]),
    );
    const listed = [...DECISION_FIELDS].map(([name, fields]): [string, string[]] => [
      name,
      fields.filter((field) => !common.includes(field)),
    ]);
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(listed));
    expect(shown).toHaveLength(listed.length);
    for (const [, meaning] of rows) expect(meaning).not.toBe("");
  });

  it("shows every metric as it is registered", () => {
    const shown = rowsUnder("Metrics").map(([name = "", kind, unit, meaning, attributes = ""]) => [
      quoted(name).join(),
      [kind, unit, meaning, quoted(attributes).join(", ")],
    ]);
    expect(shown).toEqual(Object.entries(METRICS));
  });
});
