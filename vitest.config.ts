import { defineConfig } from "vitest/config";

/**
 * `npm test` runs the tests; `npm run test:soak` (FLEET_SOAK=1) what takes longer; `npm run test:fuzz`
 * (FLEET_FUZZ=1) the fuzzer at full length; `npm run test:package` (FLEET_PACKAGE=1) the tests of dist-package,
 * and the route tests on it.
 */
const soak = process.env["FLEET_SOAK"] === "1";
const fuzzing = process.env["FLEET_FUZZ"] === "1";
const onPackage = process.env["FLEET_PACKAGE"] === "1";

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
  exclude: ["test/e2e/**", "test/package/**"],
  testTimeout: 30_000,
  hookTimeout: 60_000,
};

/** The route tests on dist-package, served by the Node of the project's name. */
const routesOnPackage = (name: string) => ({
  name,
  include: ["test/functions/**/*.test.ts", "test/package/served.test.ts"],
  // These look at modules, or listen inside the process, and so say nothing of another one.
  exclude: [
    "batch-answers",
    "body",
    "canaries",
    "correlation",
    "credentials",
    "failures",
    "foreign-ids",
    "in-flight",
    "monitoring",
    "redact",
    "registrations",
    "system",
    "telemetry",
  ].map((file) => `test/functions/${file}.test.ts`),
  globalSetup: ["test/support/package-setup.ts"],
  testTimeout: 30_000,
  hookTimeout: 60_000,
});

const packageItself = { name: "package", include: ["test/package/contents.test.ts"], testTimeout: 30_000 };

/** A run takes minutes; how long on a busy machine nobody knows. */
const fuzz = {
  name: "fuzz",
  include: ["test/fuzz/**/*.fuzz.ts"],
  testTimeout: 3_600_000,
  hookTimeout: 60_000,
};

const projects = (): object[] => {
  if (onPackage) return [packageItself, routesOnPackage("package-node22"), routesOnPackage("package-node24")];
  if (fuzzing) return [fuzz];
  return soak ? [e2e] : [unit, e2e];
};

export default defineConfig({
  // Every core: the runner would leave one free, which of two is half.
  test: { pool: "forks", maxWorkers: "100%", projects: projects().map((test) => ({ test })) },
});
