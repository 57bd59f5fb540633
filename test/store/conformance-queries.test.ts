import { describe, expect, it } from "vitest";
import type { Condition } from "../../shared/core/ports/store.js";
import { aDocument } from "../support/documents.js";
import { onEachStore } from "../support/on-each-store.js";
import { aJob, aQuery, byQueueOrder, createJobs, idsOf } from "./fixtures.js";

const noon = "2026-01-15T12:00:00.000Z";
const one = "2026-01-15T13:00:00.000Z";

const jobs = [
  aJob("a", { capabilities: [], deps: ["x"], attempt: 0, dirty: true }),
  aJob("b", { capabilities: ["linux"], engineClass: "claude", notBefore: noon, attempt: 1 }),
  aJob("c", { capabilities: ["linux", "gpu"], engineClass: "codex", notBefore: one, attempt: 2 }),
  aJob("d", { capabilities: ["mac"], deps: ["x", "y"], stage: "blocked", claimId: "f1:c1", attempt: 10 }),
];

/** Each kind of condition, and the jobs above that satisfy it. */
const claims: readonly [Condition, string][] = [
  [{ field: "stage", is: "equal", value: "queued" }, "abc"],
  [{ field: "stage", is: "equal", value: "Queued" }, ""],
  [{ field: "attempt", is: "equal", value: 10 }, "d"],
  [{ field: "dirty", is: "equal", value: true }, "a"],
  [{ field: "dirty", is: "equal", value: false }, ""],
  [{ field: "claimId", is: "equal", value: "f1:c1" }, "d"],
  [{ field: "productId", is: "equal", value: "acme" }, "abcd"],
  [{ field: "attempt", is: "less", value: 2 }, "ab"],
  [{ field: "attempt", is: "at_most", value: 2 }, "abc"],
  [{ field: "attempt", is: "greater", value: 1 }, "cd"],
  [{ field: "notBefore", is: "less", value: one }, "b"],
  [{ field: "notBefore", is: "at_most", value: one }, "bc"],
  [{ field: "notBefore", is: "greater", value: noon }, "c"],
  [{ field: "id", is: "greater", value: "b" }, "cd"],
  [{ field: "id", is: "in", values: ["a", "d", "z"] }, "ad"],
  [{ field: "stage", is: "in", values: ["blocked"] }, "d"],
  [{ field: "attempt", is: "in", values: [0, 2, 3] }, "ac"],
  [{ field: "stage", is: "in", values: [] }, ""],
  [{ field: "engineClass", is: "in", values: ["claude", "codex"] }, "bc"],
  [{ field: "engineClass", is: "absent" }, "ad"],
  [{ field: "stage", is: "absent" }, ""],
  [{ field: "notBefore", is: "absent_or_at_most", value: noon }, "abd"],
  [{ field: "engineClass", is: "absent_or_in", values: ["claude"] }, "abd"],
  [{ field: "engineClass", is: "absent_or_in", values: [] }, "ad"],
  [{ field: "deps", is: "contains", value: "x" }, "ad"],
  [{ field: "deps", is: "contains", value: "y" }, "d"],
  [{ field: "deps", is: "contains", value: "" }, ""],
  [{ field: "bodyMd", is: "contains", value: "Build it." }, ""],
  [{ field: "capabilities", is: "subset_of", values: ["linux"] }, "ab"],
  [{ field: "capabilities", is: "subset_of", values: ["gpu", "linux", "mac"] }, "abcd"],
  [{ field: "capabilities", is: "subset_of", values: [] }, "a"],
  [{ field: "blockedBy", is: "subset_of", values: ["x"] }, ""],
];

onEachStore("conditions", (open) => {
  it("select what they say, and count the same", async () => {
    const store = await open();
    await createJobs(store, jobs);
    for (const [condition, ids] of claims) {
      const said = JSON.stringify(condition);
      expect([said, (await idsOf(store, aQuery({ where: [condition] }))).join("")]).toEqual([said, ids]);
      expect([said, await store.count("fleet_jobs", "acme", [condition])]).toEqual([said, ids.length]);
    }
  });

  it("must all hold", async () => {
    const store = await open();
    await createJobs(store, jobs);
    const where: Condition[] = [
      { field: "stage", is: "equal", value: "queued" },
      { field: "notBefore", is: "absent_or_at_most", value: noon },
      { field: "capabilities", is: "subset_of", values: ["linux", "gpu"] },
      { field: "engineClass", is: "absent_or_in", values: ["claude", "aider"] },
    ];
    expect(await idsOf(store, aQuery({ where, orderBy: byQueueOrder, freshness: "stale_ok" }))).toEqual([
      "a",
      "b",
    ]);
    expect(await store.count("fleet_jobs", "acme", where)).toBe(2);
    expect(await store.count("fleet_jobs", "acme", [])).toBe(4);
  });

  it("take values for what they are, never for a part of the query", async () => {
    const store = await open();
    await createJobs(store, jobs);
    for (const value of ["' OR 1=1 --", '"] OR true', "@p0", "?", "a%", "_"]) {
      expect(await idsOf(store, aQuery({ where: [{ field: "id", is: "equal", value }] }))).toEqual([]);
      expect(await idsOf(store, aQuery({ where: [{ field: "deps", is: "contains", value }] }))).toEqual([]);
    }
  });

  it("compare instants and ids by code unit: upper case before lower, no locale", async () => {
    const store = await open();
    await createJobs(store, [aJob("b"), aJob("B"), aJob("a"), aJob("A"), aJob("10"), aJob("9")]);
    expect(await idsOf(store, aQuery())).toEqual(["10", "9", "A", "B", "a", "b"]);
    expect(await idsOf(store, aQuery({ after: ["B"] }))).toEqual(["a", "b"]);
  });
});

onEachStore("a query", (open) => {
  it("stays within its partition, and a query over all of them sees every one", async () => {
    const store = await open();
    await createJobs(store, [aJob("a"), aJob("c"), aJob("b", { productId: "globex" })]);
    expect(await idsOf(store, aQuery())).toEqual(["a", "c"]);
    expect(await store.count("fleet_jobs", "globex", [])).toBe(1);
    expect(await store.count("fleet_jobs", "initech", [])).toBe(0);
    const everywhere = await store.queryEveryPartition("fleet_jobs", aQuery(), ["id", "productId"]);
    expect(everywhere).toEqual({
      value: [
        { id: "a", productId: "acme" },
        { id: "b", productId: "globex" },
        { id: "c", productId: "acme" },
      ],
      more: false,
    });
  });

  it("returns whole documents, as they were stored, or just the properties asked for", async () => {
    const store = await open();
    const job = aJob("a", { result: { ok: true, list: [1, "two"] }, dirty: true });
    await createJobs(store, [job]);
    const whole = await store.query("fleet_jobs", "acme", aQuery(), "all");
    expect(whole.value).toStrictEqual([job]);
    const asked = await store.query("fleet_jobs", "acme", aQuery(), [
      "result",
      "order",
      "dirty",
      "claimId",
      "deps",
      "bodyMd",
    ]);
    const { result, order, dirty, deps, bodyMd } = job;
    expect(asked.value).toStrictEqual([{ result, order, dirty, deps, bodyMd }]);
  });

  it("finds leases that ran out, whatever their job, the longest over first", async () => {
    const store = await open();
    const lease = (jobId: string, expiresAt: string, status: "held" | "released" = "held") =>
      store.create("fleet_leases", aDocument.fleet_leases({ id: jobId, jobId, expiresAt, status }));
    await lease("j1", one);
    await lease("j2", noon);
    await lease("j3", noon, "released");
    await lease("j4", noon);
    await lease("j5", "2026-01-15T14:00:00.000Z");
    const query = aQuery({
      where: [
        { field: "status", is: "equal", value: "held" },
        { field: "expiresAt", is: "less", value: "2026-01-15T14:00:00.000Z" },
      ],
      orderBy: [
        { field: "status", direction: "ascending" },
        { field: "expiresAt", direction: "ascending" },
        { field: "id", direction: "ascending" },
      ],
      freshness: "stale_ok",
    });
    const found = await store.queryEveryPartition("fleet_leases", query, ["jobId"]);
    expect(found.value.map(({ jobId }) => jobId)).toEqual(["j2", "j4", "j1"]);
  });

  it("finds the runs that nobody closed", async () => {
    const store = await open();
    const run = (jobId: string, endedAt?: string) =>
      store.create(
        "fleet_runs",
        aDocument.fleet_runs({ id: `${jobId}:1`, jobId, ...(endedAt && { endedAt }) }),
      );
    await run("j1");
    await run("j2", noon);
    await run("j3");
    const query = aQuery({ where: [{ field: "endedAt", is: "absent" }], after: ["j1:1"] });
    const found = await store.queryEveryPartition("fleet_runs", query, ["id", "jobId"]);
    expect(found.value).toEqual([{ id: "j3:1", jobId: "j3" }]);
  });
});

describe("the claims above", () => {
  it("cover every kind of condition", () => {
    const kinds = new Set(claims.map(([{ is }]) => is));
    expect([...kinds].sort()).toEqual(
      [
        "absent",
        "absent_or_at_most",
        "absent_or_in",
        "at_most",
        "contains",
        "equal",
        "greater",
        "in",
        "less",
        "subset_of",
      ].sort(),
    );
  });
});
