/**
 * `npm run infra:check`: the templates compile without a warning, and provision what the code expects.
 * Without a compiler it says so, and fails only where CI=true. `-- --json` prints what was found as JSON.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ZodError } from "zod";
import { findBicep } from "./bicep.js";
import type { Found } from "./bicep.js";
import type { Checked } from "./check.js";
import { PARTITION_KEYS } from "./expected.js";
import type { Provisioned } from "./provisioned.js";

const asJson = process.argv.slice(2).includes("--json");
const ci = process.env["CI"] === "true";

const found = findBicep({ env: process.env, toolsFolder: resolve(".fleet/tools"), mayRestore: true });
process.exitCode = await report(found);

/** Prints how it went; returns the exit code. */
async function report(compiler: Found): Promise<number> {
  if (compiler.kind !== "found") {
    const skipped = compiler.kind === "none" && !ci;
    const why = `no Bicep compiler: ${compiler.why}`;
    print(
      { ok: skipped, skipped, problems: skipped ? [] : [why] },
      `${skipped ? "skipped" : "failed"}: ${why}`,
    );
    return skipped ? 0 : 1;
  }
  const { version, from } = compiler.compiler;
  const { problems, files, variants, provisioned } = await checked(compiler);
  const ok = problems.length === 0;
  const done = `${files} files compiled without a warning by bicep ${version} (${from}), ${variants.length} ways to deploy hold what the code expects`;
  print(
    { ok, skipped: false, compiler: compiler.compiler, files, variants, problems, ...shown(provisioned) },
    ok ? done : [...problems, `${problems.length} problems (bicep ${version}, ${from})`].join("\n"),
  );
  return ok ? 0 : 1;
}

/** A containers.json that the code itself refuses is a finding like any other, not a stack trace. */
async function checked({ compiler }: Extract<Found, { kind: "found" }>): Promise<Checked> {
  try {
    const { check } = await import("./check.js");
    return await check(compiler, "infra");
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const defined = readFileSync("infra/containers.json", "utf8");
    const problems = [
      ...Object.keys(PARTITION_KEYS)
        .filter((id) => !defined.includes(JSON.stringify(id)))
        .map((id) => `${id}: infra/containers.json lacks it, and the code expects it`),
      ...error.issues.map(
        ({ path, message }) => `infra/containers.json: ${["all", ...path.map(String)].join(".")}: ${message}`,
      ),
    ];
    return { problems, files: 0, variants: [], provisioned: undefined };
  }
}

function shown(provisioned: Provisioned | undefined) {
  if (provisioned === undefined) return {};
  const { containers, databases, settings, roles, authentication, node } = provisioned;
  return {
    containers: containers.map(({ id, partitionKey, indexingPolicy, uniqueKeyPolicy, defaultTtl }) => ({
      id,
      partitionKey: partitionKey.paths,
      uniqueKeys: uniqueKeyPolicy?.uniqueKeys.map(({ paths }) => paths) ?? [],
      indexes: indexingPolicy.includedPaths.map(({ path }) => path),
      compositeIndexes: indexingPolicy.compositeIndexes,
      defaultTtl: defaultTtl ?? null,
    })),
    databases,
    settings: Object.keys(settings),
    roles: roles.map(({ role, scope }) => ({ role, scope })),
    authentication,
    node,
  };
}

function print(json: object, text: string): void {
  process.stdout.write(`${asJson ? JSON.stringify(json) : text}\n`);
}
