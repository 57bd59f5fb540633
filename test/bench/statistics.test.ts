import { describe, expect, it } from "vitest";
import { median, quantile, rounded } from "../../bench/fair/statistics.js";

describe("the benchmark's statistics", () => {
  it("takes the middle of an odd number, and the mean of the two middles of an even one, in any order", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
  });

  it("takes the nearest rank for a quantile: the 99th of a hundred, and never beyond the last", () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile([3], 0.99)).toBe(3);
  });

  it("has no figure for nothing", () => {
    expect(median([])).toBeNaN();
    expect(quantile([], 0.5)).toBeNaN();
  });

  it("keeps three digits that count", () => {
    expect(rounded(12_345.6)).toBe(12_300);
    expect(rounded(0.012345)).toBe(0.0123);
  });
});
