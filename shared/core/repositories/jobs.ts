import type { Job } from "../../schema/job.js";
import { OWNED_STAGES } from "../../schema/stages.js";
import type { FinalStage, Stage } from "../../schema/stages.js";
import { jobIdOf } from "../hash.js";
import type { Condition, Query, Store, Stored } from "../ports/store.js";
import { collection } from "./collection.js";

/** A queued job as a claim's query finds it: which, and where in the queue. */
export type Candidate = Pick<Job, "id" | "priorityRank" | "order">;

/** A place in a list of jobs, newest first. */
export type JobPlace = readonly [createdAt: string, id: string];

/** A job as a scan over every product meets it. */
export type JobRef = Pick<Job, "id" | "productId">;

const byQueueOrder: Query["orderBy"] = [
  { field: "stage", direction: "ascending" },
  { field: "priorityRank", direction: "ascending" },
  { field: "order", direction: "ascending" },
  { field: "id", direction: "ascending" },
];
const byId: Query["orderBy"] = [{ field: "id", direction: "ascending" }];

const equal = (field: keyof Job, value: string | number | boolean): Condition => ({
  field,
  is: "equal",
  value,
});
const owned: Condition = { field: "stage", is: "in", values: OWNED_STAGES };

/** Queued by a version that had no lanes. */
const unlaned: Condition[] = [equal("stage", "queued"), { field: "lane", is: "absent" }];

/** Queued jobs that may be claimed at `now`, whoever asks. */
const ready = (now: string): Condition[] => [
  equal("stage", "queued"),
  { field: "notBefore", is: "absent_or_at_most", value: now },
];

const jobs = "fleet_jobs";

/** The jobs of all products; every query but the sweep's stays in one product's partition. */
export function jobRepository(store: Store) {
  return { ...documents(store), ...queue(store), ...holdings(store), ...scans(store) };
}

/** Jobs as documents: get, list, create, replace. */
function documents(store: Store) {
  return {
    ...collection(store, jobs),

    /** The job that a product's idempotency key names: a point read, since the id is made from the key. */
    getByKey: (productId: string, idempotencyKey: string): Promise<Stored<Job> | undefined> =>
      store.read(jobs, productId, jobIdOf(productId, idempotencyKey)),

    /** Jobs of a product, newest first, `limit` at most. */
    list: (
      productId: string,
      filter: { stage?: Stage | undefined; parentId?: string | undefined },
      limit: number,
      after?: JobPlace,
    ) =>
      store.query(
        jobs,
        productId,
        {
          where: [
            ...(filter.stage === undefined ? [] : [equal("stage", filter.stage)]),
            ...(filter.parentId === undefined ? [] : [equal("parentId", filter.parentId)]),
          ],
          orderBy: [
            { field: "createdAt", direction: "descending" },
            { field: "id", direction: "descending" },
          ],
          limit,
          after,
          freshness: "fresh",
        },
        "all",
      ),
  };
}

/** The queue of a product. */
function queue(store: Store) {
  return {
    /** The first `limit` claimable jobs of a lane, highest priority first, then oldest. A hint: it may be stale. */
    candidates: async (
      productId: string,
      lane: string,
      now: string,
      limit: number,
    ): Promise<readonly Candidate[]> => {
      const where: Condition[] = [...ready(now), equal("lane", lane)];
      const orderBy: Query["orderBy"] = [{ field: "lane", direction: "ascending" }, ...byQueueOrder];
      const query: Query = { where, orderBy, limit, freshness: "stale_ok" };
      return (await store.query(jobs, productId, query, ["id", "priorityRank", "order"])).value;
    },

    /** What the first `limit` claimable jobs of a product ask for, whoever could take them. */
    waiting: async (productId: string, now: string, limit: number) => {
      const query: Query = { where: ready(now), orderBy: byQueueOrder, limit, freshness: "stale_ok" };
      return (await store.query(jobs, productId, query, ["capabilities", "engineClass"])).value;
    },

    /** The oldest of the jobs in the queue with the highest priority. */
    oldestQueued: async (productId: string, priorityRank: number) => {
      const where = [equal("stage", "queued"), equal("priorityRank", priorityRank)];
      const query: Query = { where, orderBy: byQueueOrder, limit: 1, freshness: "stale_ok" };
      return (await store.query(jobs, productId, query, ["createdAt"])).value[0];
    },
  };
}

/** Who has what. */
function holdings(store: Store) {
  return {
    countByStage: (productId: string, stage: Stage): Promise<number> =>
      store.count(jobs, productId, [equal("stage", stage)]),

    countInLane: (productId: string, lane: string): Promise<number> =>
      store.count(jobs, productId, [equal("lane", lane), equal("stage", "queued")]),

    /** How many jobs in this stage name `parentId` as their parent. */
    countChildren: (productId: string, parentId: string, stage: Stage): Promise<number> =>
      store.count(jobs, productId, [equal("parentId", parentId), equal("stage", stage)]),

    /** How many jobs the factory owns now. */
    countHeldBy: (productId: string, factoryId: string): Promise<number> =>
      store.count(jobs, productId, [equal("holderFactoryId", factoryId), owned]),

    /** Jobs that the factory owns now, and at which epoch, `limit` at most. */
    heldBy: async (productId: string, factoryId: string, limit: number) => {
      const query: Query = {
        where: [equal("holderFactoryId", factoryId), owned],
        // In the order of the index that knows the stages: final jobs keep their holder, and pile up.
        orderBy: [
          { field: "holderFactoryId", direction: "ascending" },
          { field: "stage", direction: "ascending" },
          { field: "id", direction: "ascending" },
        ],
        limit,
        freshness: "fresh",
      };
      return (await store.query(jobs, productId, query, ["id", "leaseEpoch", "bootId"])).value;
    },

    /** Jobs whose present or last owner got them by this claim: one, but for duplicates running side by side. */
    claimedBy: async (productId: string, claimId: string) => {
      const where = [equal("claimId", claimId)];
      // Two would do to tell a duplicate; a few more cost the same and help whoever reads a trace.
      const query: Query = { where, orderBy: byId, limit: 5, freshness: "fresh" };
      return (await store.query(jobs, productId, query, ["id", "stage"])).value;
    },
  };
}

/** Looking for work that a write left behind. */
function scans(store: Store) {
  return {
    /** The first `limit` blocked jobs that depend on `depId`; `soft`: only those that wait for testing. */
    blockedOn: (productId: string, depId: string, which: "all" | "soft", limit: number) => {
      const where: Condition[] = [
        equal("stage", "blocked"),
        { field: "deps", is: "contains", value: depId },
        ...(which === "soft" ? [equal("depsMode", "soft")] : []),
      ];
      return store.query(jobs, productId, { where, orderBy: byId, limit, freshness: "fresh" }, ["id"]);
    },

    /** Owned jobs of one product in the order of their ids, from behind `afterId`. */
    ownedOf: async (
      productId: string,
      afterId: string,
      limit: number,
    ): Promise<readonly { id: string }[]> => {
      const query: Query = { where: [owned], orderBy: byId, limit, after: [afterId], freshness: "stale_ok" };
      return (await store.query(jobs, productId, query, ["id"])).value;
    },

    /** One step of a sweep over every product, in the order of ids, from behind `afterId`. */
    sweep: async (
      what: "owned" | "blocked" | "dirty" | "unlaned",
      afterId: string,
      limit: number,
    ): Promise<readonly JobRef[]> => {
      const where: Condition[] = {
        owned: [owned],
        blocked: [equal("stage", "blocked")],
        dirty: [equal("dirty", true)],
        unlaned,
      }[what];
      const query: Query = { where, orderBy: byId, limit, after: [afterId], freshness: "stale_ok" };
      return (await store.queryEveryPartition(jobs, query, ["id", "productId"])).value;
    },

    /**
     * Jobs of every product that came into this final stage before `instant` and still have their history,
     * the longest ago first. One stage at a time: a filter on three of them and an order across them takes
     * either database through all that ever ended (0.5 s for 65,000 jobs on SQLite).
     */
    endedBefore: async (stage: FinalStage, instant: string, limit: number): Promise<readonly JobRef[]> => {
      const where: Condition[] = [
        equal("stage", stage),
        { field: "stageChangedAt", is: "less", value: instant },
        // Tombstones are never deleted, so they pile up: the index knows them.
        { field: "tombstone", is: "absent" },
      ];
      const orderBy: Query["orderBy"] = [
        { field: "stage", direction: "ascending" },
        { field: "stageChangedAt", direction: "ascending" },
        ...byId,
      ];
      const query: Query = { where, orderBy, limit, freshness: "stale_ok" };
      return (await store.queryEveryPartition(jobs, query, ["id", "productId"])).value;
    },

    /** The first product behind `afterProductId` that has jobs. */
    nextProduct: async (afterProductId: string): Promise<string | undefined> => {
      const where: Condition[] = [{ field: "productId", is: "greater", value: afterProductId }];
      const orderBy: Query["orderBy"] = [{ field: "productId", direction: "ascending" }];
      const query: Query = { where, orderBy, limit: 1, freshness: "stale_ok" };
      return (await store.queryEveryPartition(jobs, query, ["productId"])).value[0]?.productId;
    },
  };
}
