/** SECURITY.md says what stands in the way of whom, and which test shows it: is that so? */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasTitle, quoted, testsIn } from "../support/doc-claims.js";

const rows = readFileSync("SECURITY.md", "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (?:Threat|-)/.test(line))
  .map((line) => {
    const [, threat = "", defence = "", shownBy = ""] = line.split("|").map((cell) => cell.trim());
    return { threat, files: quoted(defence), tests: testsIn(shownBy) };
  });

describe("SECURITY.md", () => {
  it("has threats", () => {
    expect(rows.length).toBeGreaterThan(10);
  });

  it.each(rows)("has a line of defence against: $threat", ({ files }) => {
    expect(files).not.toEqual([]);
    expect(files.filter((path) => !existsSync(path))).toEqual([]);
  });

  it.each(rows)("shows by tests that exist: $threat", ({ tests }) => {
    expect(tests).not.toEqual([]);
    expect(tests.filter(({ file, title }) => !existsSync(file) || !hasTitle(file, title))).toEqual([]);
  });
});
