import type { Factory } from "../../shared/schema/factory.js";
import type { Operation } from "./operation.js";
import type { SimStore } from "./sim-store.js";

/** A factory's id is its own within its product. */
export function factoryName({ productId, id }: Factory): string {
  return `${productId}/${id}`;
}

export function documents<T>(store: SimStore, container: Operation["container"]): T[] {
  return store.all(container) as unknown as T[];
}
