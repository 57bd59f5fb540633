/** Pages that say where something is built and which test shows it. */
import { readFileSync } from "node:fs";

/** A test that a page names. */
export interface NamedTest {
  readonly file: string;
  readonly title: string;
}

export const quoted = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
const isTestFile = (text: string): boolean => /^test\/\S+\.ts$/.test(text);

/** The cell names test files, each followed by titles of tests in it. */
export function testsIn(cell: string): readonly NamedTest[] {
  let file = "";
  return quoted(cell).flatMap((text) => {
    if (!isTestFile(text)) return [{ file, title: text }];
    file = text;
    return [];
  });
}

/** Whether the source has a test of this title, placeholders and all: `it("…",` or `it.each(…)("…",`. */
export function hasTitle(file: string, title: string): boolean {
  const literal = JSON.stringify(title).replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?:\\b(?:it|test)|\\))\\(\\s*${literal},`).test(readFileSync(file, "utf8"));
}
