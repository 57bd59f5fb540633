import { expect, it } from "vitest";
import { Memory } from "./memory.js";

it("goes back to what was saved, more than once, whatever was written since", () => {
  const memory = new Memory();
  const jobs = memory.map<string, number>();
  jobs.set("a", 1).set("b", 2);
  const back = memory.save();
  for (const value of [10, 20]) {
    jobs.set("a", value).set("c", value);
    jobs.delete("b");
    back();
    expect([...jobs]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  }
});

it("has its entries in the order that they had, for two runs of one schedule must not differ", () => {
  const memory = new Memory();
  const jobs = memory.map<string, number>();
  jobs.set("a", 1).set("b", 2);
  const back = memory.save();
  jobs.delete("a");
  jobs.set("a", 1);
  expect([...jobs.keys()]).toEqual(["b", "a"]);
  back();
  expect([...jobs.keys()]).toEqual(["a", "b"]);
});

it("finds its way from a later moment to an earlier one, and to the later one again", () => {
  const memory = new Memory();
  const jobs = memory.map<string, number>();
  const toBeginning = memory.save();
  jobs.set("a", 1);
  const toLater = memory.save();
  toBeginning();
  expect(jobs.size).toBe(0);
  jobs.set("b", 2);
  toLater();
  expect([...jobs.keys()]).toEqual(["a"]);
});

it("tells of its entries as they are, though it works that out once", () => {
  const memory = new Memory();
  const jobs = memory.map<string, number>();
  const keys = (map: ReadonlyMap<string, number>): string => [...map.keys()].join();
  jobs.set("a", 1);
  const back = memory.save();
  expect(jobs.about(keys)).toBe("a");
  jobs.set("b", 2);
  expect(jobs.about(keys)).toBe("a,b");
  jobs.delete("a");
  expect(jobs.about(keys)).toBe("b");
  back();
  expect(jobs.about(keys)).toBe("a");
});
