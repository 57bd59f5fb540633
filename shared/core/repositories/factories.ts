import type { Store } from "../ports/store.js";
import { collection, deletion } from "./collection.js";

export function factoryRepository(store: Store) {
  const factories = "fleet_factories";
  return {
    ...collection(store, factories),
    ...deletion(store, factories),
    /** A product's factories in the order of their ids, from behind `afterId`. */
    list: (productId: string, limit: number, afterId?: string) =>
      store.query(
        factories,
        productId,
        {
          where: [],
          orderBy: [{ field: "id", direction: "ascending" }],
          limit,
          after: afterId === undefined ? undefined : [afterId],
          freshness: "fresh",
        },
        "all",
      ),
    /** How many of a product's factories sent their last heartbeat before `instant`. */
    countSilentSince: (productId: string, instant: string) =>
      store.count(factories, productId, [{ field: "lastHeartbeatAt", is: "less", value: instant }]),
    count: (productId: string) => store.count(factories, productId, []),
  };
}
