import type { Store } from "../ports/store.js";
import { collection, deletion } from "./collection.js";

export function artifactRepository(store: Store) {
  return {
    ...collection(store, "fleet_artifacts"),
    ...deletion(store, "fleet_artifacts"),
    /** A job's artifacts by epoch, then by id (which is: by name), from behind `after`. */
    list: (jobId: string, limit: number, after?: { leaseEpoch: number; id: string }) =>
      store.query(
        "fleet_artifacts",
        jobId,
        {
          where: [],
          orderBy: [
            { field: "leaseEpoch", direction: "ascending" },
            { field: "id", direction: "ascending" },
          ],
          limit,
          after: after && [after.leaseEpoch, after.id],
          freshness: "fresh",
        },
        "all",
      ),
  };
}
