import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { Condition, Query } from "../../shared/core/ports/store.js";
import { OWNED_STAGES } from "../../shared/schema/stages.js";
import type { ContainerName } from "../../shared/schema/containers.js";
import { countSql, projectionColumns, selectSql } from "../../shared/store/sqlite-query.js";
import { createSchema } from "../../shared/store/sqlite-schema.js";
import { aQuery, byQueueOrder, newestFirst } from "./fixtures.js";

const noon = "2026-01-15T12:00:00.000Z";
const equal = (field: string, value: string | boolean): Condition => ({ field, is: "equal", value });
const ascending = (...fields: string[]): Query["orderBy"] =>
  fields.map((field) => ({ field, direction: "ascending" }));

const db = new DatabaseSync(":memory:");
createSchema(db);

/** How SQLite would run the query: its steps, one a line. */
function plan(container: ContainerName, partition: string | undefined, query: Partial<Query>): string {
  const sql = selectSql(container, partition, aQuery(query), projectionColumns(["id"]), 20);
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql.text}`).all(...sql.values);
  return steps.map(({ detail }) => String(detail)).join("\n");
}

const claimQuery: Partial<Query> = {
  where: [
    equal("stage", "queued"),
    { field: "notBefore", is: "absent_or_at_most", value: noon },
    equal("lane", "l1"),
  ],
  orderBy: [...ascending("lane"), ...byQueueOrder],
};
const waitingQuery: Partial<Query> = {
  where: [equal("stage", "queued"), { field: "notBefore", is: "absent_or_at_most", value: noon }],
  orderBy: byQueueOrder,
};

/** What the core asks, and the index that must answer it in its own order. */
const answered: readonly [what: string, ContainerName, string | undefined, Partial<Query>, index: string][] =
  [
    ["a claim's candidates", "fleet_jobs", "acme", claimQuery, "by_lane_stage_priorityRank_order_id"],
    ["what waits", "fleet_jobs", "acme", waitingQuery, "by_stage_priorityRank_order_id"],
    [
      "jobs without a lane",
      "fleet_jobs",
      undefined,
      { where: [equal("stage", "queued"), { field: "lane", is: "absent" }], after: ["x"] },
      "all_stage_lane_id",
    ],
    ["a list of jobs", "fleet_jobs", "acme", { orderBy: newestFirst }, "by_createdAt_id"],
    [
      "a composite's children",
      "fleet_jobs",
      "acme",
      { where: [equal("parentId", "epic-1")], orderBy: newestFirst, after: [noon, "x"] },
      "with_parentId_createdAt_id",
    ],
    [
      "a profile's latest version",
      "fleet_profiles",
      "acme",
      { where: [equal("name", "careful")], orderBy: [{ field: "version", direction: "descending" }] },
      "by_name_version",
    ],
    ["all profiles", "fleet_profiles", "acme", { orderBy: ascending("name", "version") }, "by_name_version"],
    [
      "the next page of it",
      "fleet_jobs",
      "acme",
      { orderBy: newestFirst, after: [noon, "x"] },
      "by_createdAt_id",
    ],
    [
      "a factory's jobs",
      "fleet_jobs",
      "acme",
      {
        where: [equal("holderFactoryId", "f1"), { field: "stage", is: "in", values: OWNED_STAGES }],
        orderBy: ascending("holderFactoryId", "stage", "id"),
      },
      "by_holderFactoryId_stage_id",
    ],
    ["a claim's job", "fleet_jobs", "acme", { where: [equal("claimId", "f1:c")] }, "with_claimId_id"],
    [
      "jobs left dirty",
      "fleet_jobs",
      undefined,
      { where: [equal("dirty", true)], after: ["x"] },
      "all_dirty_id",
    ],
    ["all blocked jobs", "fleet_jobs", undefined, { where: [equal("stage", "blocked")] }, "all_stage_id"],
    [
      "jobs that shipped long ago",
      "fleet_jobs",
      undefined,
      {
        where: [
          equal("stage", "shipped"),
          { field: "stageChangedAt", is: "less", value: noon },
          { field: "tombstone", is: "absent" },
        ],
        orderBy: ascending("stage", "stageChangedAt", "id"),
      },
      "all_stage_stageChangedAt_id",
    ],
    [
      "runs to count",
      "fleet_runs",
      undefined,
      { where: [equal("uncounted", true)], after: ["x"] },
      "all_uncounted_id",
    ],
    [
      "leases that ran out",
      "fleet_leases",
      undefined,
      {
        where: [equal("status", "held"), { field: "expiresAt", is: "less", value: noon }],
        orderBy: ascending("status", "expiresAt", "id"),
      },
      "all_status_expiresAt_id",
    ],
    [
      "open runs",
      "fleet_runs",
      undefined,
      { where: [{ field: "endedAt", is: "absent" }], after: ["x"] },
      "all_id",
    ],
    [
      "a job's runs",
      "fleet_runs",
      "job-1",
      { orderBy: ascending("leaseEpoch"), after: [0] },
      "with_leaseEpoch_id",
    ],
    ["a job's events", "fleet_events", "job-1", { orderBy: ascending("seq"), after: [0] }, "with_seq_id"],
    [
      "the next product",
      "fleet_jobs",
      undefined,
      { where: [{ field: "productId", is: "greater", value: "acme" }], orderBy: ascending("productId") },
      "sqlite_autoindex_fleet_jobs_1",
    ],
    ["a product's factories", "fleet_factories", "acme", {}, "sqlite_autoindex_fleet_factories_1"],
  ];

describe("the embedded store's indexes", () => {
  it("count the jobs of a stage without reading one", () => {
    const sql = countSql("fleet_jobs", "acme", [equal("stage", "shipped")]);
    const [step] = db.prepare(`EXPLAIN QUERY PLAN ${sql.text}`).all(...sql.values);
    expect(step?.["detail"]).toContain("SEARCH fleet_jobs USING COVERING INDEX");
  });

  it.each(answered)("answer %s without reading the table through or sorting", (_what, ...asked) => {
    const [container, partition, query, index] = asked;
    const steps = plan(container, partition, query);
    expect(steps).toContain(`SEARCH ${container} USING`);
    expect(steps).toContain(index);
    expect(steps).not.toContain(`SCAN ${container}`);
    expect(steps).not.toContain("TEMP B-TREE");
  });

  it("count a composite's children in one stage without reading any of them", () => {
    const sql = countSql("fleet_jobs", "acme", [equal("parentId", "epic-1"), equal("stage", "queued")]);
    const [step] = db.prepare(`EXPLAIN QUERY PLAN ${sql.text}`).all(...sql.values);
    expect(step?.["detail"]).toContain("COVERING INDEX fleet_jobs_with_parentId_stage");
  });

  it.each([
    [
      "jobs that wait for one",
      "acme",
      [equal("stage", "blocked"), { field: "deps", is: "contains", value: "d" }],
    ],
    ["a factory's siblings", "acme", [equal("parentId", "epic-1")]],
    ["owned jobs everywhere", undefined, [{ field: "stage", is: "in", values: OWNED_STAGES }]],
  ] satisfies [string, string | undefined, Condition[]][])(
    "find %s without reading the table through",
    (...asked) => {
      const [, partition, where] = asked;
      expect(plan("fleet_jobs", partition, { where, after: ["x"] })).not.toContain("SCAN fleet_jobs");
    },
  );
});
