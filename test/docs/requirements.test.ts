/** docs/requirements.md says where each requirement is built and which test shows it: is that so? */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasTitle, quoted, testsIn } from "../support/doc-claims.js";
import type { NamedTest } from "../support/doc-claims.js";

const REQUIREMENTS = 23;

interface Row {
  readonly id: string;
  readonly requirement: string;
  readonly builtIn: readonly string[];
  readonly shownBy: readonly NamedTest[];
}

const rows: Row[] = readFileSync("docs/requirements.md", "utf8")
  .split("\n")
  .filter((line) => /^\| R\d/.test(line))
  .map((line) => {
    const [, id = "", requirement = "", builtIn = "", shownBy = ""] = line
      .split("|")
      .map((cell) => cell.trim());
    return { id, requirement, builtIn: quoted(builtIn), shownBy: testsIn(shownBy) };
  });

describe("the requirements", () => {
  it("have a row each, in order", () => {
    const numbers = Array.from({ length: REQUIREMENTS }, (_, index) => `R${index + 1}`);
    expect(rows.map(({ id }) => id)).toEqual(numbers);
    for (const { requirement } of rows) expect(requirement).not.toBe("");
  });

  it.each(rows)("$id is built in files that exist", ({ builtIn }) => {
    expect(builtIn).not.toEqual([]);
    expect(builtIn.filter((path) => !existsSync(path))).toEqual([]);
  });

  it.each(rows)("$id is shown by tests that exist, under these titles", ({ shownBy }) => {
    expect(shownBy).not.toEqual([]);
    expect(shownBy.filter(({ file, title }) => !existsSync(file) || !hasTitle(file, title))).toEqual([]);
  });
});

describe("a title", () => {
  it("that no test has is noticed", () => {
    const known = rows[0]?.shownBy[0] ?? { file: "", title: "" };
    expect(hasTitle(known.file, known.title)).toBe(true);
    expect(hasTitle(known.file, `${known.title}, or so`)).toBe(false);
    expect(hasTitle(known.file, known.title.slice(0, -1))).toBe(false);
  });
});
