/**
 * `npm run bench:cold`: how long a fresh process takes from the app's import to its first answer, for the
 * package beside the same app as compiled with its node_modules. `-- --runs 30` for more, `--json` for one
 * JSON object on the last line.
 *
 * Each start is a process of its own, and the two take turns, so that a busy machine slows both; the ratio is
 * the median of those of neighbours. The files are in the page cache: a first round, which also makes the
 * emulator's containers, isn't counted. The measuring process is bundled, so that it has loaded no module
 * before that the unbundled app would then find loaded.
 */
import { build } from "esbuild";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startCosmosEmulator } from "../host/cosmos-emulator.js";
import type { CosmosEmulator } from "../host/cosmos-emulator.js";

/** What the package is to need at most of the time that the unbundled app needs. */
const RATIO_MAX = 1 / 3;
const RUNS = 15;
/** A process that has not got there by then never will. */
const PROCESS_MS_MAX = 60_000;

const root = new URL("../../", import.meta.url);
const APPS = { bundled: "dist-package/", unbundled: "./" } as const;
type AppName = keyof typeof APPS;
const APP_NAMES: readonly AppName[] = ["bundled", "unbundled"];
const NODES = { 24: "node_modules/node/bin/node", 22: "node_modules/node22/bin/node" } as const;
const PROCESS = fileURLToPath(new URL("cold-process.js", import.meta.url));
const BUNDLED_PROCESS = PROCESS.replace(/\.js$/, ".bundled.js");

/** What one process is to reach, and how its app is set up. */
interface Measure {
  readonly name: string;
  readonly what: string;
  readonly until: "import" | "token" | "answer";
  readonly settings: Readonly<Record<string, string>>;
}

const SETTINGS = {
  FLEET_API_KEYS: JSON.stringify([
    { name: "bench", sha256: "0".repeat(64), products: ["*"], roles: ["read"] },
  ]),
  FUNCTION_KEYS: "off",
  // Once a year: no timer beside the request.
  REAPER_SCHEDULE: "0 0 0 1 1 *",
};

/** The modules that the entry of an app on Azure imports at its first request, after their file names. */
const LATE = ["cosmos-store", "managed-identity"];
// Nobody is there, and nobody is asked before there is a token.
const ON_AZURE = { DB_PROVIDER: "cosmos", COSMOS_ENDPOINT: "https://127.0.0.1:1" };

function measuresOn({ endpoint, key }: CosmosEmulator): readonly Measure[] {
  return [
    {
      name: "import",
      what: "cold import of all that an instance on Azure loads: the entry, the Cosmos SDK, the identity",
      until: "import",
      settings: ON_AZURE,
    },
    {
      name: "token",
      what: "from import until the first request, on Azure's settings, asks for its identity's token",
      until: "token",
      settings: ON_AZURE,
    },
    {
      name: "cosmos",
      what: "from import until the first request is answered, on the Cosmos DB emulator",
      until: "answer",
      settings: { DB_PROVIDER: "cosmos", COSMOS_ENDPOINT: endpoint, COSMOS_KEY: key },
    },
    {
      name: "memory",
      what: "from import until the first request is answered, on the store in memory",
      until: "answer",
      settings: { DB_PROVIDER: "memory" },
    },
  ];
}

/** What one process printed. */
interface Reached {
  readonly registeredMs: number;
  readonly reachedMs: number;
}

interface Row {
  readonly node: string;
  readonly measure: string;
  readonly what: string;
  readonly bundled: Times;
  readonly unbundled: Times;
  /** Bundled to unbundled, of the two that ran next to each other: the median of all rounds. */
  readonly ratio: number;
}

/** Of all processes, in milliseconds. The fastest is what a busy machine disturbed least. */
interface Times {
  readonly medianMs: number;
  readonly fastestMs: number;
}

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, runs: { type: "string", default: String(RUNS) } },
});
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1) throw new Error("--runs must be a whole number, 1 or more");

await build({
  entryPoints: [PROCESS],
  outfile: BUNDLED_PROCESS,
  bundle: true,
  platform: "node",
  format: "esm",
  logLevel: "error",
});
const emulator = await startCosmosEmulator();
const rows: Row[] = [];
for (const major of [24, 22] as const) {
  for (const measure of measuresOn(emulator)) {
    const measured = await rowsOf(fileURLToPath(new URL(NODES[major], root)), `Node ${major}`, measure);
    rows.push(...measured);
    for (const row of measured) process.stdout.write(`${asText(row)}\n`);
  }
}
await emulator.stop();

const met = rows.filter(({ measure }) => measure === "import").every(({ ratio }) => ratio <= RATIO_MAX);
process.stdout.write(
  `Target, "import" at most a third: ${met ? "met" : "missed"} (medians of ${runs} processes each; the fastest in brackets)\n`,
);
if (values.json) {
  process.stdout.write(`${JSON.stringify({ bench: "cold", runs, ratioMax: RATIO_MAX, met, rows })}\n`);
}

/** What the measure is named after; and, from the imports, that of the entry alone. */
async function rowsOf(node: string, version: string, measure: Measure): Promise<Row[]> {
  const taken: Record<AppName, Reached[]> = { bundled: [], unbundled: [] };
  for (let round = 0; round <= runs; round++) {
    // Neither is always the first.
    for (const app of round % 2 === 0 ? APP_NAMES : APP_NAMES.toReversed()) {
      const reached = await startOnce(node, app, measure);
      if (round > 0) taken[app].push(reached);
    }
  }
  const row = (name: string, what: string, field: keyof Reached): Row => {
    const [bundled, unbundled] = [timesOf(taken.bundled, field), timesOf(taken.unbundled, field)];
    const ratios = taken.bundled.map(
      (reached, round) => reached[field] / (taken.unbundled[round]?.[field] ?? NaN),
    );
    const ratio = Number(median(ratios).toFixed(3));
    return { node: version, measure: name, what, bundled, unbundled, ratio };
  };
  const rows = [row(measure.name, measure.what, "reachedMs")];
  if (measure.until !== "import") return rows;
  return [row("entry", "import of the entry alone: every function is registered", "registeredMs"), ...rows];
}

async function startOnce(node: string, app: AppName, { until, settings }: Measure): Promise<Reached> {
  const folder = new URL(APPS[app], root);
  const { main } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as { main: string };
  const late = until === "import" ? lateModulesOf(app) : [];
  const { stdout } = await promisify(execFile)(
    node,
    [BUNDLED_PROCESS, until, new URL(main, folder).href, ...late],
    {
      env: { ...SETTINGS, ...settings },
      timeout: PROCESS_MS_MAX,
    },
  );
  return JSON.parse(stdout) as Reached;
}

function lateModulesOf(app: AppName): string[] {
  const folder = new URL(app === "bundled" ? "dist-package/chunks/" : "dist/shared/store/", root);
  const files = readdirSync(folder);
  return LATE.map((name) => {
    const file = files.find((found) => found.startsWith(name) && found.endsWith(".js"));
    if (file === undefined) throw new Error(`${folder.pathname} has no ${name}`);
    return new URL(file, folder).href;
  });
}

function timesOf(taken: readonly Reached[], field: keyof Reached): Times {
  const all = taken.map((reached) => reached[field]);
  return { medianMs: Math.round(median(all)), fastestMs: Math.round(Math.min(...all)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function asText({ node, measure, what, bundled, unbundled, ratio }: Row): string {
  const text = ({ medianMs, fastestMs }: Times): string => `${medianMs} (${fastestMs})`.padStart(11);
  const times = `${text(bundled)} ms bundled ${text(unbundled)} ms unbundled`;
  return `${node}  ${measure.padEnd(6)} ${times}  ${(ratio * 100).toFixed(0)} %  ${what}`;
}
