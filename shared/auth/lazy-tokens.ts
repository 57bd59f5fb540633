import type { Tokens } from "./callers.js";

/** Tokens that are opened by the first one: whoever calls with API keys never waits for a library to load. */
export function lazyTokens(open: () => Promise<Tokens>): Tokens {
  return { check: async (token) => (await open()).check(token) };
}
