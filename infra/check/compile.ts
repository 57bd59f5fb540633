/** Compiles, lints and resolves the templates of one folder. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { run } from "./bicep.js";
import type { Compiler } from "./bicep.js";
import { provisionedBy, readSnapshot } from "./provisioned.js";
import type { Provisioned } from "./provisioned.js";

/** One way to deploy, and what that makes. */
export interface Variant {
  readonly name: string;
  readonly provisioned: Provisioned;
}

export interface Compiled {
  /** What the compiler has to say, warnings included; nothing else is there when it says anything. */
  readonly diagnostics: readonly string[];
  readonly files: number;
  /** The compiled ARM template. */
  readonly template: string;
  readonly variants: readonly Variant[];
}

/** Ways to deploy beside main.bicepparam's own, which between them take both sides of every condition. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  "private-data, autoscale": [
    "param networking = 'private-data'",
    "param cosmosCapacity = 'autoscale'",
    "param alertEmail = 'operators@example.com'",
  ],
  "private, always ready, over zones": [
    "param networking = 'private'",
    "param alwaysReadyInstances = 2",
    "param zoneRedundant = true",
    "param entraTenantId = '00000000-0000-0000-0000-000000000000'",
    "param entraAudience = 'api://fleet'",
  ],
};
const SOMEWHERE = [
  "param environmentName = 'check'",
  "param location = 'swedencentral'",
  "param apiKeys = 'x'",
];
const SUBSCRIPTION = "00000000-0000-0000-0000-000000000000";

/** Everything that the compiler makes of `folder`, which holds main.bicep and main.bicepparam. */
export function compile({ path }: Compiler, folder: string): Compiled {
  const scratch = mkdtempSync(join(tmpdir(), "fleet-infra-"));
  try {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
      /\.bicep(?:param)?$/.test(file),
    );
    const parameterFiles = files.filter((file) => file.endsWith(".bicepparam"));
    const lines = [
      ...said(run(path, ["lint", "--pattern", "**/*.bicep"], { cwd: folder })),
      ...parameterFiles.flatMap((file) => said(run(path, ["lint", join(folder, file)]))),
    ];
    // A module is told of again by each file that uses it.
    const diagnostics = [...new Set(lines)];
    if (diagnostics.length > 0) return { diagnostics, files: files.length, template: "", variants: [] };
    const built = run(path, ["build", join(folder, "main.bicep"), "--stdout"]);
    if (built.status !== 0) throw new Error(`bicep build failed: ${built.stderr}`);
    const main = relative(scratch, resolve(folder, "main.bicep"));
    const own = readFileSync(join(folder, "main.bicepparam"), "utf8").replace(
      /^using '.*'$/m,
      `using '${main}'`,
    );
    const given = [
      ["as main.bicepparam says", own] as const,
      ...Object.entries(VARIANTS).map(
        ([name, lines]) => [name, [`using '${main}'`, ...SOMEWHERE, ...lines, ""].join("\n")] as const,
      ),
    ];
    const variants = given.map(([name, text]) => ({
      name,
      provisioned: provisionedBy(readSnapshot(resolved(path, scratch, text))),
    }));
    return { diagnostics, files: files.length, template: built.stdout, variants };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What a deployment with these parameters would make, as the compiler's own engine resolves it. */
function resolved(path: string, scratch: string, parameters: string): string {
  const file = join(scratch, "given.bicepparam");
  writeFileSync(file, parameters);
  const where = ["--subscription-id", SUBSCRIPTION, "--location", "swedencentral"];
  const { status, stderr, stdout } = run(path, ["snapshot", file, "--mode", "overwrite", ...where], {
    env: { FLEET_API_KEYS: "x" },
  });
  if (status !== 0) throw new Error(`bicep snapshot failed (0.49.2 has it): ${stdout}${stderr}`);
  return readFileSync(join(dirname(file), "given.snapshot.json"), "utf8");
}

/** Each diagnostic on its own; a run that failed without one is one. */
function said({ status, stdout, stderr }: ReturnType<typeof run>): readonly string[] {
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => / : (?:Error|Warning|Info) /.test(line));
  return lines.length > 0 || status === 0 ? lines : [`the compiler failed: ${stdout}${stderr}`];
}
