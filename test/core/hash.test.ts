import { describe, expect, it } from "vitest";
import { hashJson, jobIdOf, sameJson, sha256 } from "../../shared/core/hash.js";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";

describe("hashes", () => {
  it("are the same for ever: a job's id is made from its key, and must be found again", () => {
    expect(sha256("ü")).toBe("YHR0ykdalyTXNgq6caVtXfd-YTUOP3JM-h9G6Ffi2F8");
    expect(jobIdOf("acme", "build-1")).toBe("jas-9aC85ZFujN1V2nDJoPwFvPpQEKcQEoFJgE6_0izI");
  });

  it("of JSON know neither the order of properties nor what is undefined", () => {
    expect(hashJson({ a: 1, b: undefined, c: [1, { y: 1, x: 2 }] })).toBe(
      hashJson({ c: [1, { x: 2, y: 1 }], a: 1 }),
    );
    expect(hashJson([1, 2])).not.toBe(hashJson([2, 1]));
  });
});

describe("the same JSON", () => {
  it.each<[unknown, unknown, boolean]>([
    [undefined, undefined, true],
    [undefined, {}, false],
    [{}, undefined, false],
    [null, undefined, false],
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1 }, { a: 2 }, false],
  ])("%j and %j: %s", (a, b, same) => {
    expect(sameJson(a, b)).toBe(same);
  });
});

describe("what a store throws", () => {
  const cause = new Error("the socket");

  it.each<[string, Error]>([
    ["StoreThrottled", new StoreThrottled(1, cause)],
    ["StoreUnavailable", new StoreUnavailable("no answer", cause)],
    ["StoreMisconfigured", new StoreMisconfigured("a refused key", cause)],
  ])("%s has its name and its cause in the log", (name, error) => {
    expect([error.name, error.cause]).toEqual([name, cause]);
  });
});
