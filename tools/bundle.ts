/**
 * The app as esbuild bundles it: one entry, and beside it what the entry imports only when it needs it.
 *
 * Split, not one file: measured here on Node 24, importing the entry took 68 ms split and 117 ms as one
 * file, for then the Cosmos SDK and the identity library are read and compiled by whoever has no use for
 * them. `import()` in the source therefore stays `import()` in the package.
 *
 * Names are not shortened: a stack trace can be read without its source map, which Node reads only when
 * it is told to (NODE_OPTIONS=--enable-source-maps); and shortening gained nothing that could be measured.
 */
import { build, type Metafile, type Plugin } from "esbuild";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";

/** The runtime gives it to the app; it exists in no registry under this name as the app needs it. */
const RUNTIME = "@azure/functions-core";
const ENTRY = "main.js";
/** CommonJS packages inside the bundle `require` what is outside it: Node's own modules and the runtime's. */
const REQUIRE =
  'import { createRequire as fleetCreateRequire } from "node:module";\n' +
  "const require = fleetCreateRequire(import.meta.url);";

export interface Bundle {
  /** The file that registers every function, relative to the folder. */
  readonly entry: string;
  /** All files of code, relative to the folder, with their bytes. */
  readonly files: ReadonlyMap<string, number>;
  /** The npm packages that are loaded with the entry, before any request; sorted. */
  readonly eagerPackages: readonly string[];
  /** Of `files`, those that are loaded with the entry. */
  readonly eagerFiles: readonly string[];
}

/** Bundles functions/main.ts of `root` into `folder`. Throws when something would be missing at run time. */
export async function bundle(root: string, folder: string): Promise<Bundle> {
  const { metafile, warnings } = await build({
    absWorkingDir: root,
    entryPoints: { main: "functions/main.ts" },
    outdir: folder,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    // The older of the two versions that Azure Functions runs.
    target: "node22",
    external: [RUNTIME],
    banner: { js: REQUIRE },
    plugins: [namespaceOfZod],
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: "linked",
    // A stack trace needs lines and names; the text is in the repository.
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
  });
  if (warnings.length > 0) throw new Error(`esbuild warns: ${warnings.map(({ text }) => text).join("; ")}`);
  return describe(metafile);
}

/**
 * `import { z }` gives an object that esbuild must keep whole, with its fifty languages; `import * as z`
 * gives the same object with what is used of it, 133 KB less to compile before the first request.
 */
const namespaceOfZod: Plugin = {
  name: "namespace-of-zod",
  setup: (esbuild) => {
    esbuild.onLoad({ filter: /[\\/](?:functions|shared)[\\/].*\.ts$/ }, async ({ path }) => {
      if (/[\\/]node_modules[\\/]/.test(path)) return undefined;
      const source = await readFile(path, "utf8");
      return {
        contents: source.replace('import { z } from "zod"', 'import * as z from "zod"'),
        loader: "ts",
      };
    });
  },
};

function describe({ outputs }: Metafile): Bundle {
  const code = Object.entries(outputs).filter(([path]) => path.endsWith(".js"));
  const entryPath = code.find(([, { entryPoint }]) => entryPoint === "functions/main.ts")?.[0];
  if (entryPath === undefined) throw new Error("esbuild made no entry");
  const missing = code.flatMap(([, { imports }]) =>
    imports.filter(({ path, external }) => external === true && path !== RUNTIME && !isBuiltin(path)),
  );
  if (missing.length > 0) {
    throw new Error(`not in the bundle: ${missing.map(({ path }) => path).join(", ")}`);
  }
  const prefix = entryPath.slice(0, -ENTRY.length);
  const eager = [...withStaticImports(entryPath, outputs)];
  const inputs = eager.flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
  return {
    entry: ENTRY,
    files: new Map(code.map(([path, { bytes }]) => [path.slice(prefix.length), bytes])),
    eagerPackages: [...new Set(inputs.flatMap(packageOf))].toSorted(),
    eagerFiles: eager.map((path) => path.slice(prefix.length)),
  };
}

/** A file with all that is loaded before it runs. */
function withStaticImports(
  path: string,
  outputs: Metafile["outputs"],
  seen = new Set<string>(),
): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
    if (kind === "import-statement" && imported in outputs) withStaticImports(imported, outputs, seen);
  }
  return seen;
}

function packageOf(input: string): string[] {
  const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
  return name === undefined ? [] : [name];
}
