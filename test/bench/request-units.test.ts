import { describe, expect, it } from "vitest";
import {
  changedTerms,
  createRu,
  queryRu,
  readRu,
  replaceRu,
  termsOf,
} from "../../bench/meter/request-units.js";
import { aDocument } from "../support/documents.js";

const KB = 1024;

/** Microsoft's figures by size: a point read, a create with a few indexed terms, a replacement that changes two. */
const TABLE = [
  { kb: 1, read: 1, create: 6, replace: 10.7 },
  { kb: 4, read: 1.1, create: 7.7, replace: 14 },
  { kb: 16, read: 1.7, create: 10.5, replace: 20 },
  { kb: 64, read: 4.8, create: 24, replace: 46 },
];
const FEW_TERMS = 5;

describe("the model of request units", () => {
  it.each(TABLE)("gives the documented figures at $kb KB, as they are rounded", ({ kb, ...expected }) => {
    expect(readRu(kb * KB)).toBeCloseTo(expected.read, 5);
    expect(Math.abs(createRu(kb * KB, FEW_TERMS) - expected.create)).toBeLessThan(0.5);
    expect(Math.abs(replaceRu(kb * KB, 2) - expected.replace)).toBeLessThan(0.5);
  });

  it("charges for every KB in between and beyond, and for less than one KB as for one", () => {
    expect(readRu(0)).toBe(1);
    expect(readRu(2.5 * KB)).toBeCloseTo(1.05, 5);
    expect(readRu(112 * KB)).toBeCloseTo(7.9, 5);
    expect(createRu(100, 0)).toBe(4.95);
    expect(createRu(12 * KB, 0)).toBeCloseTo(8.28, 5);
  });

  it("charges a query for what it brings, but a small answer nothing on top", () => {
    expect(queryRu(0)).toBe(3);
    expect(queryRu(KB)).toBe(3);
    expect(queryRu(64 * KB)).toBeCloseTo(6.8, 5);
  });
});

describe("the terms of a document", () => {
  const lease = aDocument.fleet_leases();

  it("are those of the indexed paths, and one of each composite index that it has all of", () => {
    // jobId, status, expiresAt, id; and the three in one.
    expect(termsOf("fleet_leases", lease, "containers.json")).toBe(5);
    const { expiresAt, ...without } = lease;
    expect(expiresAt).toBeDefined();
    expect(termsOf("fleet_leases", without, "containers.json")).toBe(3);
  });

  it("include the unique key, and each element of an indexed array", () => {
    const job = aDocument.fleet_jobs({ deps: [] });
    const terms = termsOf("fleet_jobs", job, "containers.json");
    expect(termsOf("fleet_jobs", { ...job, deps: ["a", "b"] }, "containers.json")).toBe(terms + 2);
    const { idempotencyKey, ...without } = job;
    expect(idempotencyKey).toBeDefined();
    expect(termsOf("fleet_jobs", without, "containers.json")).toBe(terms - 1);
  });

  it("are every value there is, without an indexing policy", () => {
    const doc = { id: "a", deep: { list: [1, 2, 2], text: "x" } };
    expect(termsOf("fleet_leases", doc, "default")).toBe(4);
  });

  it("that a replacement changes are counted path by path, in the composite indexes, too", () => {
    const later = { ...lease, expiresAt: "2027-01-01T00:00:00.000Z", renewals: lease.renewals + 1 };
    expect(changedTerms("fleet_leases", lease, lease, "containers.json")).toBe(0);
    expect(changedTerms("fleet_leases", lease, later, "containers.json")).toBe(2);
    expect(changedTerms("fleet_leases", lease, later, "default")).toBe(2);
  });
});
