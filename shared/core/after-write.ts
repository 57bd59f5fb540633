import { StoreThrottled, StoreUnavailable } from "./ports/store.js";

/**
 * Runs what an answer still needs after something was written. "Throttled" says that nothing was done,
 * which is no longer so: the caller is told instead that nobody knows, and repeats.
 */
export async function afterWrite<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreThrottled)
      throw new StoreUnavailable("something was written, but not all", error);
    throw error;
  }
}
