import { describe, expect, it } from "vitest";
import type { Query, Store } from "../../shared/core/ports/store.js";
import { containers } from "../../shared/schema/containers.js";
import type { ContainerName } from "../../shared/schema/containers.js";
import { openCosmosStore } from "../../shared/store/cosmos-store.js";
import { onEachStore } from "../support/on-each-store.js";
import { aQuery, byQueueOrder, newestFirst } from "./fixtures.js";

const ascending = (...fields: string[]): Query["orderBy"] =>
  fields.map((field) => ({ field, direction: "ascending" }));

/** Orders that read well and that Cosmos DB can't serve. */
const unindexed: readonly [ContainerName, Query["orderBy"], why: string][] = [
  ["fleet_jobs", ascending("createdAt", "id"), "the index goes down"],
  ["fleet_jobs", ascending("stage", "priorityRank", "order"), "the index is longer"],
  ["fleet_jobs", ascending("stage", "order", "priorityRank", "id"), "the index has another sequence"],
  ["fleet_jobs", ascending("stage", "id"), "no index has both"],
  ["fleet_events", ascending("seq", "id"), "the container has no composite index"],
  ["fleet_jobs", ascending("updatedAt"), "the field's path is not included"],
  ["fleet_jobs", [], "there is no order at all"],
];

onEachStore("an order without its index in containers.json", (open) => {
  it("is refused as a bug, the same way by every store", async () => {
    const store = await open();
    for (const [container, orderBy, why] of unindexed) {
      for (const attempt of [
        () => store.query(container, "acme", aQuery({ orderBy }), ["id"]),
        () => store.queryEveryPartition(container, aQuery({ orderBy }), "all"),
      ]) {
        await expect(attempt(), why).rejects.toMatchObject({
          name: "Error",
          message: expect.stringContaining(container) as string,
        });
      }
    }
  });
});

onEachStore("every order with its index", (open) => {
  it("is served", async () => {
    const store = await open();
    for (const { id, indexingPolicy } of containers) {
      for (const index of indexingPolicy.compositeIndexes) {
        const orderBy = index.map(({ path, order }) => ({ field: path.slice(1), direction: order }));
        const found = store.query(id, "acme", aQuery({ orderBy }), ["id"]);
        await expect(found).resolves.toEqual({ value: [], more: false });
      }
    }
  });
});

onEachStore("a query that breaks the port's contract", (open) => {
  const refused = async (query: Partial<Query>, fields: readonly "id"[] = ["id"]) => {
    const store = await open();
    await expect(store.query("fleet_jobs", "acme", aQuery(query), fields)).rejects.toMatchObject({
      name: "Error",
    });
  };

  it("is refused with a limit that is no number of documents", async () => {
    await refused({ limit: 0 });
    await refused({ limit: 1.5 });
    await refused({ limit: NaN });
  });

  it("is refused with a place that does not fit the order", async () => {
    await refused({ orderBy: newestFirst, after: ["2026-01-15T12:00:00.000Z"] });
    await refused({ orderBy: byQueueOrder, after: [] });
  });

  it("is refused with a field that is no plain name, so that no name can become query text", async () => {
    const fields = ["stage'", 'a"]', "a.b", "", "_etag", "a b", "ü"];
    for (const field of fields) {
      await refused({ where: [{ field, is: "absent" }] });
      await refused({}, [field as "id"]);
    }
    const store = await open();
    const count = store.count("fleet_jobs", "acme", [{ field: "a'b", is: "absent" }]);
    await expect(count).rejects.toThrow("not the name of a field");
  });

  it("is refused with no field to return", async () => {
    await refused({}, []);
  });
});

describe("opening a Cosmos store", () => {
  it("does no I/O: an endpoint where nobody listens is noticed by the first operation", async () => {
    const store: Store = openCosmosStore({
      endpoint: "http://127.0.0.1:9",
      database: "fleet",
      credential: { kind: "key", key: "ZHVtbXk=" },
    });
    await expect(store.ping()).rejects.toMatchObject({ name: "StoreUnavailable" });
  });
});
