/**
 * `npm run prove:mutants -- [--json] [--only TEXT]`: plants each bug in a scratch copy of the sources,
 * compiles it, and explores until an invariant catches it. One that doesn't compile, or that only an
 * exception shows, was not caught. Ends non-zero if one survives.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { compilerOf } from "./compile.js";
import type { Found } from "./explore.js";
import type { Mutant } from "./mutant.js";
import { MUTANTS } from "./mutants.js";

/** Exploring one mutant, in minutes. Those that are caught need a few seconds. */
const MINUTES = "0.25";
/** For a bug that only one scenario shows: a deeper search of that. */
const MINUTES_OF_ONE = "0.75";
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const run = promisify(execFile);

type Verdict = { kind: "caught"; invariant: string; scenario: string } | { kind: "survived"; why: string };

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, only: { type: "string", default: "" } },
});

/** A copy of what the exploration needs, to plant one bug after the other in. */
async function aScratchCopy(): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), "fleet-mutants-"));
  for (const part of [
    "shared",
    "infra",
    "test/simulation",
    "test/support/seeded.ts",
    "package.json",
    "tsconfig.json",
    "tsconfig.prove.json",
  ]) {
    await cp(join(ROOT, part), join(scratch, part), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(scratch, "node_modules"));
  return scratch;
}

async function plant(scratch: string, compile: () => string | undefined, mutant: Mutant): Promise<Verdict> {
  const originals = new Map<string, string>();
  try {
    for (const { file, find, replace } of mutant.edits) {
      const path = join(scratch, "shared", file);
      const source = await readFile(path, "utf8");
      if (!originals.has(path)) originals.set(path, source);
      if (source.split(find).length !== 2)
        return { kind: "survived", why: `its place in ${file} is not there once` };
      await writeFile(
        path,
        source.replace(find, () => replace),
      );
    }
    return await explore(scratch, compile, mutant.shownBy ?? "");
  } finally {
    for (const [path, source] of originals) await writeFile(path, source);
  }
}

async function explore(
  scratch: string,
  compile: () => string | undefined,
  scenario: string,
): Promise<Verdict> {
  const error = compile();
  if (error !== undefined) return { kind: "survived", why: `it does not compile: ${error.slice(0, 300)}` };
  const prove = join(scratch, ".prove/test/simulation/prove.js");
  // As many are explored at once as there are cores: each on one.
  const minutes = scenario === "" ? MINUTES : MINUTES_OF_ONE;
  const args = [prove, "--minutes", minutes, "--scenario", scenario, "--threads", "1", "--first", "--json"];
  const output = await run(process.execPath, args, { maxBuffer: 1e8 }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const { violations } = JSON.parse(output.stdout.trimEnd().split("\n").at(-1) ?? "{}") as {
    violations: Found[];
  };
  const [found] = violations;
  if (found === undefined) return { kind: "survived", why: "no invariant broke" };
  if (found.invariant === "exception")
    return { kind: "survived", why: `only an exception: ${found.message}` };
  return { kind: "caught", invariant: found.invariant, scenario: found.scenario };
}

const chosen = MUTANTS.filter(({ name }) => name.includes(values.only));
const waiting = [...chosen];
const verdicts = new Map<string, Verdict>();
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    const scratch = await aScratchCopy();
    const compile = compilerOf(scratch);
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await plant(scratch, compile, mutant);
      verdicts.set(mutant.name, verdict);
      if (values.json) continue;
      const text =
        verdict.kind === "caught"
          ? `caught by ${verdict.invariant}, in "${verdict.scenario}"`
          : `SURVIVED: ${verdict.why}`;
      process.stdout.write(`${mutant.name}: ${text}\n`);
    }
    await rm(scratch, { recursive: true });
  }),
);
const survivors = chosen
  .filter(({ name }) => verdicts.get(name)?.kind === "survived")
  .map(({ name }) => name);
const figures = { planted: chosen.length, caught: chosen.length - survivors.length, survivors };
process.stdout.write(
  values.json ? `${JSON.stringify(figures)}\n` : `${figures.caught} of ${figures.planted} caught\n`,
);
process.exitCode = survivors.length === 0 ? 0 : 1;
