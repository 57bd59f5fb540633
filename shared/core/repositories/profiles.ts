import type { Condition, Query, Store } from "../ports/store.js";
import { collection } from "./collection.js";

/** A place in a list of profiles. */
export type ProfilePlace = readonly [name: string, version: number];

const profiles = "fleet_profiles";

const named = (name: string): Condition => ({ field: "name", is: "equal", value: name });
const byVersion = (direction: "ascending" | "descending"): Query["orderBy"] => [
  { field: "version", direction },
];

/** Profiles are immutable: a version is created and read, never changed. */
export function profileRepository(store: Store) {
  const { create, get } = collection(store, profiles);
  return {
    create,
    get,

    /** The latest version of a profile, or undefined where there is none. */
    latest: async (productId: string, name: string) => {
      const query: Query = {
        where: [named(name)],
        orderBy: byVersion("descending"),
        limit: 1,
        freshness: "fresh",
      };
      return (await store.query(profiles, productId, query, "all")).value[0];
    },

    /** The version of a profile with this content, or undefined where there is none. */
    withContent: async (productId: string, name: string, contentHash: string) => {
      const where: Condition[] = [named(name), { field: "contentHash", is: "equal", value: contentHash }];
      const query: Query = { where, orderBy: byVersion("ascending"), limit: 1, freshness: "fresh" };
      return (await store.query(profiles, productId, query, "all")).value[0];
    },

    /** Versions by name, then number, without what they hold: of one profile, or of all that the product has. */
    list: (productId: string, name: string | undefined, limit: number, after?: ProfilePlace) =>
      store.query(
        profiles,
        productId,
        {
          where: name === undefined ? [] : [named(name)],
          orderBy: [
            { field: "name", direction: "ascending" },
            { field: "version", direction: "ascending" },
          ],
          limit,
          after,
          freshness: "fresh",
        },
        ["productId", "name", "version", "contentHash", "createdAt"],
      ),
  };
}
