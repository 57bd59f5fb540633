import type { Store } from "../ports/store.js";
import { collection, deletion } from "./collection.js";

export function leaseRepository(store: Store) {
  return {
    ...collection(store, "fleet_leases"),
    ...deletion(store, "fleet_leases"),
    /** Leases of every product that are held and ran out before `instant`, the longest over first. A hint. */
    overdue: async (instant: string, limit: number) =>
      (
        await store.queryEveryPartition(
          "fleet_leases",
          {
            where: [
              { field: "status", is: "equal", value: "held" },
              { field: "expiresAt", is: "less", value: instant },
            ],
            orderBy: [
              { field: "status", direction: "ascending" },
              { field: "expiresAt", direction: "ascending" },
              { field: "id", direction: "ascending" },
            ],
            limit,
            freshness: "stale_ok",
          },
          ["jobId", "productId"],
        )
      ).value,
  };
}
