import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readSettings } from "../shared/settings.js";

const aKey = { name: "ci", sha256: "a".repeat(64), products: ["demo"], roles: ["submit"] };
const another = { ...aKey, name: "other", sha256: "b".repeat(64) };
const keys = (...entries: unknown[]): string => JSON.stringify(entries);
const hashOf = (key: string): string => createHash("sha256").update(key, "utf8").digest("hex");

function problemsOf(FLEET_API_KEYS: string): string[] {
  const outcome = readSettings({ DB_PROVIDER: "memory", FLEET_API_KEYS });
  return outcome.kind === "ok" ? [] : outcome.problems.map((p) => `${p.name}: ${p.message}`);
}

describe("a key that is replaced while its callers go on", () => {
  const twin = { ...aKey, sha256: "d".repeat(64) };

  test("has two entries of one name for a while, in which both let callers in", () => {
    expect(problemsOf(keys(aKey, twin))).toEqual([]);
    const entry = { ...aKey, products: ["a", "b"], roles: ["read", "submit"], factoryIds: ["f1", "f2"] };
    const inAnotherOrder = {
      ...twin,
      products: ["b", "a"],
      roles: ["submit", "read"],
      factoryIds: ["f2", "f1"],
    };
    expect(problemsOf(keys(entry, inAnotherOrder))).toEqual([]);
  });

  test.each([
    ["products", { products: ["demo", "more"] }],
    ["roles", { roles: ["admin"] }],
    ["factories", { factoryIds: ["f1"] }],
  ])("can't be given other %s on the way", (_, changed) => {
    expect(problemsOf(keys(another, aKey, { ...twin, ...changed }))).toEqual([
      "FLEET_API_KEYS: 2 name is another entry's, whose products, roles or factoryIds are not the same",
    ]);
  });

  test("can't leave a third one behind that was forgotten", () => {
    expect(problemsOf(keys(aKey, twin, { ...aKey, sha256: "c".repeat(64) }))).toEqual([
      "FLEET_API_KEYS: 2 name must not be that of 2 other entries; take the oldest away",
    ]);
  });
});

describe("API keys that are wrong", () => {
  test.each([
    ["no JSON", "{"],
    ["no list", "{}"],
    ["an empty list", "[]"],
    ["an entry without a hash", keys({ ...aKey, sha256: undefined })],
    ["a hash in capitals", keys({ ...aKey, sha256: "A".repeat(64) })],
    ["a hash that is too short", keys({ ...aKey, sha256: "a".repeat(63) })],
    ["no product", keys({ ...aKey, products: [] })],
    ["a product that no id can be", keys({ ...aKey, products: ["a/b"] })],
    ["every product beside a named one", keys({ ...aKey, products: ["*", "a"] })],
    ["no role", keys({ ...aKey, roles: [] })],
    ["an unknown role", keys({ ...aKey, roles: ["root"] })],
    ["a role twice", keys({ ...aKey, roles: ["read", "read"] })],
    ["an empty list of factories", keys({ ...aKey, factoryIds: [] })],
    ["an unknown property", keys({ ...aKey, expires: "2030" })],
    ["the same entry twice", keys(aKey, aKey)],
    ["one key with two sets of rights", keys(aKey, { ...aKey, name: "other", roles: ["admin"] })],
    ["no name", keys({ ...aKey, name: undefined })],
    ["a name that no log should hold", keys({ ...aKey, name: "a\nb" })],
    ["a key instead of its hash", keys({ ...aKey, sha256: "fleet_my-key" })],
  ])("%s is refused", (_, FLEET_API_KEYS) => {
    expect(problemsOf(FLEET_API_KEYS)).toEqual([expect.stringMatching(/^FLEET_API_KEYS: /)]);
  });

  test("the problem says which entry and which property", () => {
    expect(problemsOf(keys(aKey, { ...another, sha256: "zz" }))).toEqual([
      "FLEET_API_KEYS: 1 sha256 must be 64 lower-case hex digits",
    ]);
  });

  test("so it does of two that can't stand side by side, and repeats no hash and no name", () => {
    const [problem = ""] = problemsOf(keys(another, aKey, { ...another, name: "third" }));
    expect(problem).toBe("FLEET_API_KEYS: 2 sha256 must not be that of entry 0");
  });

  test.each(["", "\n", "changeme", "secret\n", "test", "dev-key", "123456"])(
    "the hash of a key that anybody would try is known: %j",
    (key) => {
      const [problem = ""] = problemsOf(keys(aKey, { ...another, sha256: hashOf(key) }));
      expect(problem).toMatch(
        /^FLEET_API_KEYS: 1 sha256 must not be the hash of a key that anybody would try/,
      );
      expect(problem).not.toContain(hashOf(key));
    },
  );

  test("a thousand wrong entries do not flood the log", () => {
    const many = keys(...Array.from({ length: 1000 }, () => ({})));
    expect(problemsOf(many).length).toBeLessThanOrEqual(20);
  });
});
