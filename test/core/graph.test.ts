import { describe, expect, it } from "vitest";
import { inLevels } from "../../shared/core/graph.js";

describe("a graph in levels", () => {
  it("has each node once, behind all that it waits for", () => {
    expect(inLevels([[1, 2], [2], [], []])).toEqual({ kind: "ordered", levels: [[2, 3], [1], [0]] });
    expect(inLevels([])).toEqual({ kind: "ordered", levels: [] });
  });

  it("shows a cycle's path, and not the way to it", () => {
    expect(inLevels([[1], [2], [3], [1], []])).toEqual({ kind: "cyclic", cycle: [1, 2, 3, 1] });
  });
});
