/**
 * Mutation testing of the core, by hand: `npm run test:mutation`, or a slice of it with
 * `npm run test:mutation -- --mutate shared/core/claim.ts`. What survives, and why, is in docs/mutation.md.
 */

/**
 * Words that only a person reads: the text of an error, a line of the log. A test that insists on them
 * tests nothing that anybody relies on. What kind of error it is, and when it comes, is mutated all the same.
 */
const ERRORS = new Set(["Error", "StoreThrottled", "StoreUnavailable", "StoreMisconfigured"]);
const isText = (path) => path.isStringLiteral() || path.isTemplateLiteral();
const isLog = ({ callee }) => callee.type === "MemberExpression" && callee.object.property?.name === "log";

const wordsForPeople = {
  shouldIgnore(path) {
    if (path.isCallExpression() && isLog(path.node)) return "a line of the log";
    if (!isText(path)) return undefined;
    const { parent } = path;
    const isError = parent?.type === "NewExpression" && ERRORS.has(parent.callee.name);
    const isSuper = parent?.type === "CallExpression" && parent.callee.type === "Super";
    return isError || isSuper ? "the text of an error" : undefined;
  },
};

/** Stryker finds its plugins by this name. */
export const strykerPlugins = [{ kind: "Ignore", name: "words-for-people", value: wordsForPeople }];

export default {
  testRunner: "vitest",
  vitest: { configFile: "vitest.stryker.config.ts", related: false },
  plugins: ["@stryker-mutator/vitest-runner", "@stryker-mutator/typescript-checker", import.meta.filename],
  // A mutant that doesn't compile is no mistake that anybody could make here. It doesn't count.
  checkers: ["typescript"],
  tsconfigFile: "tsconfig.stryker.json",
  ignorers: ["words-for-people"],
  mutate: ["shared/core/**/*.ts"],
  coverageAnalysis: "perTest",
  // Two cores, which this shares with whatever else runs.
  concurrency: 2,
  // A slice keeps the results of the others.
  incremental: true,
  incrementalFile: ".stryker/incremental.json",
  tempDirName: ".stryker/tmp",
  ignorePatterns: ["dist", ".prove", ".fleet", "docs", "demo", "host", "functions"],
  reporters: ["clear-text", "json"],
  clearTextReporter: { allowColor: false, reportTests: false, logTests: false, allowEmojis: false },
  jsonReporter: { fileName: ".stryker/report.json" },
  disableTypeChecks: "shared/core/**/*.ts",
  thresholds: { high: 100, low: 95, break: null },
};
