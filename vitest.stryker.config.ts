import { defineConfig } from "vitest/config";

/**
 * What `npm run test:mutation` runs against each mutant of the core: the core's own tests, on the
 * embedded store alone. What the four stores do alike, three of them need not show for every mutant.
 */
export default defineConfig({
  test: {
    include: ["test/core/**/*.test.ts"],
    env: { FLEET_TEST_STORE: "memory" },
    isolate: false,
    testTimeout: 10_000,
  },
});
