/** Short words for the tests of the store port. */
import type { Query, Store } from "../../shared/core/ports/store.js";
import type { Job } from "../../shared/schema/job.js";
import { aDocument } from "../support/documents.js";

const byId: Query["orderBy"] = [{ field: "id", direction: "ascending" }];
export const byQueueOrder: Query["orderBy"] = ["stage", "priorityRank", "order", "id"].map((field) => ({
  field,
  direction: "ascending",
}));
export const newestFirst: Query["orderBy"] = [
  { field: "createdAt", direction: "descending" },
  { field: "id", direction: "descending" },
];

/** A job whose idempotency key is its own, as every job's is. */
export function aJob(id: string, given: Partial<Job> = {}): Job {
  return aDocument.fleet_jobs({ id, idempotencyKey: `key-of-${id}`, ...given });
}

/** A fresh query by id with room for all that a test stores. */
export function aQuery(given: Partial<Query> = {}): Query {
  return { where: [], orderBy: byId, limit: 100, freshness: "fresh", ...given };
}

/** Creates the jobs and gives the etag of each. */
export async function createJobs(store: Store, jobs: readonly Job[]): Promise<string[]> {
  const etags: string[] = [];
  for (const job of jobs) {
    const made = await store.create("fleet_jobs", job);
    if (made.kind !== "created") throw new Error(`${job.id} exists already`);
    etags.push(made.etag);
  }
  return etags;
}

/** The ids of the jobs of acme that a query finds, in its order. */
export async function idsOf(store: Store, query: Query): Promise<string[]> {
  const page = await store.query("fleet_jobs", "acme", query, ["id"]);
  return page.value.map(({ id }) => id);
}
