import type { Store } from "../ports/store.js";
import { collection, deletion } from "./collection.js";

export function artifactRepository(store: Store) {
  return {
    ...collection(store, "fleet_artifacts"),
    ...deletion(store, "fleet_artifacts"),
    /** A job's artifacts in the order of their ids: by epoch, then by name. */
    list: (jobId: string, limit: number, afterId?: string) =>
      store.query(
        "fleet_artifacts",
        jobId,
        {
          where: [],
          orderBy: [{ field: "id", direction: "ascending" }],
          limit,
          after: afterId === undefined ? undefined : [afterId],
          freshness: "fresh",
        },
        "all",
      ),
  };
}
