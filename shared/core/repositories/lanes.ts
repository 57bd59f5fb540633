import type { Store } from "../ports/store.js";
import { collection } from "./collection.js";

/** The one document of a product that names its lanes. */
export const LANES_ID = "lanes";

export function laneRepository(store: Store) {
  return collection(store, "fleet_lanes");
}
