/** The whole check, once there is a compiler. */
import { everythingAsked } from "./asked.js";
import type { Compiler } from "./bicep.js";
import { problemsOf } from "./compare.js";
import { compile } from "./compile.js";
import type { Provisioned } from "./provisioned.js";
import { secretsIn } from "./secrets.js";

export interface Checked {
  readonly problems: readonly string[];
  readonly files: number;
  /** Names of the ways to deploy that were resolved. */
  readonly variants: readonly string[];
  /** What main.bicepparam's own way makes; undefined when nothing compiled. */
  readonly provisioned: Provisioned | undefined;
}

/** Compiles the templates in `folder` and holds them against the code; throws when the compiler itself fails. */
export async function check(compiler: Compiler, folder: string): Promise<Checked> {
  const { diagnostics, files, template, variants } = compile(compiler, folder);
  if (diagnostics.length > 0) return { problems: diagnostics, files, variants: [], provisioned: undefined };
  const asked = await everythingAsked();
  const problems = variants.flatMap(({ name, provisioned }) =>
    problemsOf(provisioned, asked).map((problem) => ({ name, problem })),
  );
  // Most problems are the same whichever way it is deployed: they are told once.
  const once = new Map(problems.reverse().map(({ name, problem }) => [problem, name]));
  const [own] = variants;
  const told = [...once]
    .reverse()
    .map(([problem, name]) => (name === own?.name ? problem : `${problem} (${name})`));
  return {
    problems: [...told, ...secretsIn(template)],
    files,
    variants: variants.map(({ name }) => name),
    provisioned: own?.provisioned,
  };
}
