import type { Factory } from "../../shared/schema/factory.js";
import type { Operation } from "./operation.js";
import type { SimStore } from "./sim-store.js";

/** A factory's name among those of all products. */
export function factoryName({ productId, id }: Factory): string {
  return `${productId}/${id}`;
}

/** All documents of a container, as what they are. */
export function documents<T>(store: SimStore, container: Operation["container"]): T[] {
  return store.all(container) as unknown as T[];
}
