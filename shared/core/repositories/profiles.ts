import type { Store } from "../ports/store.js";
import { collection } from "./collection.js";

/** Profiles are immutable: a version is created and read, never changed. */
export function profileRepository(store: Store) {
  const { create, get } = collection(store, "fleet_profiles");
  return {
    create,
    get,
    /** The versions of one profile, oldest first. */
    versions: (productId: string, name: string, limit: number, afterVersion = 0) =>
      store.query(
        "fleet_profiles",
        productId,
        {
          where: [{ field: "name", is: "equal", value: name }],
          orderBy: [{ field: "version", direction: "ascending" }],
          limit,
          after: [afterVersion],
          freshness: "fresh",
        },
        "all",
      ),
  };
}
