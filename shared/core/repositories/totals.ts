import { sha256 } from "../hash.js";
import type { Store } from "../ports/store.js";
import { collection } from "./collection.js";

/** The id of a product's totals for an engine. Hashed: an engine's name may have any character. */
export function totalsIdOf(engine: string | undefined): string {
  return engine === undefined ? "none" : `e${sha256(engine)}`;
}

export function totalsRepository(store: Store) {
  return {
    ...collection(store, "fleet_totals"),
    /** A product's totals, `limit` engines at most. */
    list: (productId: string, limit: number) =>
      store.query(
        "fleet_totals",
        productId,
        { where: [], orderBy: [{ field: "id", direction: "ascending" }], limit, freshness: "fresh" },
        ["engine", "runs", "insights", "superseded"],
      ),
  };
}
