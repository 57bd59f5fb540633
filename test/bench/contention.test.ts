import { describe, expect, it } from "vitest";
import { holdContest } from "../../bench/claim/contention.js";
import { virtualTime } from "../../bench/claim/time.js";

describe("virtual time", () => {
  it("passes from wait to wait, in their order, and takes none", async () => {
    const time = virtualTime();
    const seen: string[] = [];
    const walk = async (name: string, steps: readonly number[]): Promise<void> => {
      for (const ms of steps) {
        await time.wait(ms);
        seen.push(`${name} at ${time.now()}`);
      }
    };
    await time.during(() => Promise.all([walk("slow", [7_200_000]), walk("quick", [1000, 2000])]));
    expect(seen).toEqual(["quick at 1000", "quick at 3000", "slow at 7200000"]);
  });

  it("ends with what it was given to run, and with its error", async () => {
    const time = virtualTime();
    const failing = time.during(async () => {
      await time.wait(5);
      throw new Error("lost");
    });
    await expect(failing).rejects.toThrow("lost");
    expect(time.now()).toBe(5);
  });
});

describe("a contest of claimers", () => {
  it("counts a try for each candidate, and takes as long as the store's operations", async () => {
    const alone = await holdContest(
      { instances: 1, claimers: 1, spreading: "share", delayMs: 5, claims: 10 },
      virtualTime(),
    );
    expect(alone.triesPerClaim).toBe(1);
    expect(alone.contended).toBe(0);
    // A claim alone waits for four to seven round trips of about 5 ms.
    expect(alone.claimsPerSecond).toBeGreaterThan(20);
    expect(alone.claimsPerSecond).toBeLessThan(60);
  });

  it("is the same each time, whatever else the machine does", async () => {
    const contest = { instances: 2, claimers: 4, spreading: "share", delayMs: 5, claims: 20 } as const;
    expect(await holdContest(contest, virtualTime())).toEqual(await holdContest(contest, virtualTime()));
  });
});
