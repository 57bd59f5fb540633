import { defineConfig } from "vitest/config";

/** `npm test` runs the tests; `npm run test:soak` (FLEET_SOAK=1) runs what takes longer. */
const soak = process.env["FLEET_SOAK"] === "1";

/** Tests that start the compiled app as a process of its own: it is built first, once. */
const e2e = {
  name: "e2e",
  include: soak ? ["test/soak/**/*.soak.ts"] : ["test/e2e/**/*.test.ts"],
  globalSetup: ["test/support/build.ts"],
  testTimeout: soak ? 600_000 : 60_000,
};

const unit = {
  name: "unit",
  include: ["test/**/*.test.ts"],
  exclude: ["test/e2e/**"],
  testTimeout: 30_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: { pool: "forks", projects: (soak ? [e2e] : [unit, e2e]).map((test) => ({ test })) },
});
