import { afterEach, describe, expect, it, vi } from "vitest";
import { id } from "../../shared/schema/primitives.js";
import { systemClock, systemIds } from "../../shared/system.js";

describe("the system's clock", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("tells a later microsecond at each call, however fast they come", () => {
    vi.spyOn(Date, "now").mockReturnValue(Date.UTC(2026, 0, 1));
    const clock = systemClock();
    const micros = Array.from({ length: 5000 }, () => Math.round(clock.now() * 1000));
    expect(new Set(micros).size).toBe(5000);
    expect(micros).toEqual(micros.toSorted((a, b) => a - b));
  });

  it("never goes back when the system's clock is corrected a little", () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(10_000);
    const clock = systemClock();
    expect(clock.now()).toBe(10_000);
    now.mockReturnValue(9000);
    expect(clock.now()).toBe(10_000.001);
    now.mockReturnValue(10_500);
    expect(clock.now()).toBe(10_500);
  });

  it("follows the system's clock when that is set back for good", () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(3_600_000);
    const clock = systemClock();
    clock.now();
    now.mockReturnValue(1000);
    expect(clock.now()).toBe(1000);
  });
});

describe("the system's ids", () => {
  it("are ids of the contract, each used once", () => {
    const made = Array.from({ length: 1000 }, () => systemIds.unique());
    expect(new Set(made).size).toBe(1000);
    expect(made.every((one) => id.safeParse(one).success)).toBe(true);
  });
});
