import type { Store } from "../ports/store.js";
import { collection, deletion } from "./collection.js";

export function runRepository(store: Store) {
  return {
    ...collection(store, "fleet_runs"),
    ...deletion(store, "fleet_runs"),
    /** A job's runs, oldest first, from behind epoch `afterEpoch`. */
    list: (jobId: string, limit: number, afterEpoch = 0) =>
      store.query(
        "fleet_runs",
        jobId,
        {
          where: [],
          orderBy: [{ field: "leaseEpoch", direction: "ascending" }],
          limit,
          after: [afterEpoch],
          freshness: "fresh",
        },
        "all",
      ),
    /** One step of a sweep over the runs that are open, whatever their product. */
    sweepOpen: async (afterId: string, limit: number) =>
      (
        await store.queryEveryPartition(
          "fleet_runs",
          {
            where: [{ field: "endedAt", is: "absent" }],
            orderBy: [{ field: "id", direction: "ascending" }],
            limit,
            after: [afterId],
            freshness: "stale_ok",
          },
          ["id", "jobId", "productId", "leaseEpoch"],
        )
      ).value,
    /** One step of a sweep over the runs that the totals may lack something of, whatever their product. */
    sweepUncounted: async (afterId: string, limit: number) =>
      (
        await store.queryEveryPartition(
          "fleet_runs",
          {
            where: [{ field: "uncounted", is: "equal", value: true }],
            orderBy: [{ field: "id", direction: "ascending" }],
            limit,
            after: [afterId],
            freshness: "stale_ok",
          },
          ["id", "jobId", "productId", "engine"],
        )
      ).value,
  };
}
