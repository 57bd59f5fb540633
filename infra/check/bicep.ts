/** Finds the Bicep compiler, or fetches it once, and runs it. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The package that is restored, and what it must be: a compiler is run, so its bytes are pinned like a dependency's. */
const PACKAGE = "azure.bicep.commandline.linux-x64";
const VERSION = "0.49.2";
const SHA512 = "kBnX0iG9wd/PWdCTwFfUvm6Jemn+5L7sY7b7HQi5k+LLwdFmrbw4y5RTLFxewCFMdBqUThiOILMa7sgzklPEAQ==";

/** A run that takes longer than this, in milliseconds, hangs: the whole of it takes seconds. */
const RUN_MS_MAX = 120_000;
/** The restore fetches 90 MB. */
const RESTORE_MS_MAX = 600_000;
/** The compiled template and a snapshot are a few hundred KB. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface Compiler {
  readonly path: string;
  /** Where it was found, for people. */
  readonly from: string;
  readonly version: string;
}

/** `none`: there is no compiler here, and `why` says what was tried. `wrong`: there is one that can't be used. */
export type Found =
  | { readonly kind: "found"; readonly compiler: Compiler }
  | { readonly kind: "none"; readonly why: string }
  | { readonly kind: "wrong"; readonly why: string };

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a compiler that was fetched is kept. */
  readonly toolsFolder: string;
  /** Without it nothing is fetched. */
  readonly mayRestore: boolean;
}

/** The compiler: $BICEP, else `bicep` on the path, else the Azure CLI's, else the NuGet package, fetched once. */
export function findBicep({ env, toolsFolder, mayRestore }: Surroundings): Found {
  const named = env["BICEP"];
  if (named) return tried(named, "$BICEP") ?? { kind: "wrong", why: "$BICEP does not run" };
  const azureFolder = env["AZURE_CONFIG_DIR"] ?? join(env["HOME"] ?? "", ".azure");
  const azures = join(azureFolder, "bin", "bicep");
  const kept = join(toolsFolder, PACKAGE, VERSION, "tools", "bicep");
  const here =
    tried("bicep", "bicep on PATH") ??
    (existsSync(azures) ? tried(azures, "az bicep") : undefined) ??
    (existsSync(kept) ? tried(kept, "NuGet, fetched before") : undefined);
  if (here !== undefined) return here;
  const where = "no $BICEP, no bicep on PATH, none of the Azure CLI";
  if (!mayRestore) return { kind: "none", why: where };
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== "linux-x64") return { kind: "none", why: `${where}, and no package for ${platform}` };
  if (run("dotnet", ["--version"]).status !== 0) return { kind: "none", why: `${where}, and no dotnet` };
  const failure = restore(toolsFolder);
  if (failure !== undefined) return { kind: "none", why: `${where}, and NuGet: ${failure}` };
  return tried(kept, "NuGet") ?? { kind: "wrong", why: `${PACKAGE} ${VERSION} does not run` };
}

/** What a run printed, and how it ended; a program that isn't there ends with -1. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. The compiler is told to do without ICU, which a small machine lacks. */
export function run(
  program: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string; msMax?: number } = {},
): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    cwd: options.cwd,
    env: { ...process.env, ...options.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1" },
    timeout: options.msMax ?? RUN_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if (error !== undefined) return { status: -1, stdout: "", stderr: error.message };
  return { status: status ?? -1, stdout, stderr };
}

function tried(path: string, from: string): Found | undefined {
  const { status, stdout } = run(path, ["--version"]);
  const version = /\d+\.\d+\.\d+/.exec(stdout)?.[0];
  if (status !== 0 || version === undefined) return undefined;
  return { kind: "found", compiler: { path, from, version } };
}

/** Fetches the package with the `dotnet` that is here; returns what went wrong, if anything did. */
function restore(toolsFolder: string): string | undefined {
  const project = join(toolsFolder, "bicep.csproj");
  mkdirSync(toolsFolder, { recursive: true });
  // PackageDownload unpacks a package and wants nothing else of it.
  const download = `<PackageDownload Include="${PACKAGE}" Version="[${VERSION}]" />`;
  writeFileSync(
    project,
    `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup>${download}</ItemGroup>
</Project>
`,
  );
  const { status, stdout, stderr } = run("dotnet", ["restore", project, "--packages", toolsFolder], {
    env: { DOTNET_CLI_TELEMETRY_OPTOUT: "1", DOTNET_NOLOGO: "1", DOTNET_SKIP_FIRST_TIME_EXPERIENCE: "1" },
    msMax: RESTORE_MS_MAX,
  });
  if (status !== 0) return `${stdout}${stderr}`.trim().split("\n").at(-1) ?? "the restore failed";
  const folder = join(toolsFolder, PACKAGE, VERSION);
  const nupkg = join(folder, `${PACKAGE}.${VERSION}.nupkg`);
  if (createHash("sha512").update(readFileSync(nupkg)).digest("base64") === SHA512) return undefined;
  rmSync(folder, { recursive: true, force: true });
  return `${PACKAGE} ${VERSION} is not the file that it was`;
}
