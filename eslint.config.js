import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/** Time, ids and chance come through ports, so that a test or a simulation decides them. */
const timeAndChance = [
  { object: "Date", property: "now", message: "Time is a port: use clock.now()." },
  { object: "Math", property: "random", message: "Chance is a port: use random." },
  { object: "crypto", property: "randomUUID", message: "Ids are a port: use ids." },
  { object: "performance", property: "now", message: "Time is a port: use clock.now()." },
];

const waiting = [
  { name: "setTimeout", message: "Waiting is a port: use pause." },
  { name: "setInterval", message: "Nothing runs on after a response: Functions may freeze the instance." },
];
const environment = { name: "process", message: "The environment is read once, in functions/main.ts." };

export default defineConfig(
  { ignores: ["dist/", "dist-package/", ".prove/", "node_modules/", ".fleet/", ".stryker/"] },
  {
    files: ["**/*.ts"],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-explicit-any": "error",
      // A number in a template string is what it looks like; objects are still refused.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "no-console": "error",
      "max-lines": ["error", { max: 250 }],
      "max-lines-per-function": ["error", { max: 60, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ["shared/**/*.ts", "functions/**/*.ts"],
    ignores: ["shared/system.ts"],
    rules: {
      "no-restricted-properties": ["error", ...timeAndChance],
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "Time is a port: use clock.now().",
        },
      ],
      "no-restricted-globals": ["error", ...waiting, environment],
    },
  },
  {
    files: ["functions/main.ts"],
    rules: { "no-restricted-globals": ["error", ...waiting] },
  },
  {
    // A describe block is a chapter, not a function.
    files: ["test/**/*.ts"],
    rules: { "max-lines-per-function": "off" },
  },
);
