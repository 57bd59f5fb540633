/**
 * `npm run bench`: this project beside pg-boss, graphile-worker and raw SKIP LOCKED on PostgreSQL, and BullMQ on
 * Redis, at the same work: claim + finish of no-op jobs, one at a time. docs/benchmark.md says what is measured.
 * `-- --quick` for a look, `-- --parts throughput,recovery` for some of it, `--json` for one JSON object on the
 * last line, `--rounds 1` for fewer than five, `--docs` to put tables and plots into docs/, `--folder` for where the data is to lie.
 *
 * PostgreSQL and Redis are Debian's, started here on loopback, with their data in a folder that is removed at the
 * end. Exits 2, with what to install, where they are missing.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureAll } from "./fair/measure-all.js";
import { installPeers } from "./fair/peers.js";
import { FULL, PARTS, QUICK } from "./fair/plan.js";
import { drawPlots } from "./fair/plots.js";
import { asMarkdown } from "./fair/report.js";
import { missingPackages } from "./fair/servers.js";

const DOCS = fileURLToPath(new URL("../../docs/", import.meta.url));
const FIGURES = /(<!-- figures: .* -->\n)[\s\S]*(\n<!-- end of the figures -->)/;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    docs: { type: "boolean", default: false },
    parts: { type: "string", default: PARTS.join(",") },
    rounds: { type: "string" },
    folder: { type: "string", default: tmpdir() },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The tables go between the two comments of docs/benchmark.md. */
function putIntoDocs(markdown: string): void {
  const path = join(DOCS, "benchmark.md");
  const text = readFileSync(path, "utf8");
  if (!FIGURES.test(text)) throw new Error(`${path} has no place for the figures`);
  writeFileSync(
    path,
    text.replace(FIGURES, (_, before: string, after: string) => `${before}\n${markdown}\n${after}`),
  );
}

async function main(): Promise<void> {
  const asked = values.parts.split(",");
  const parts = PARTS.filter((part) => asked.includes(part));
  if (parts.length !== asked.length) throw new Error(`--parts: of ${PARTS.join(",")}`);
  if (values.docs && parts.length < PARTS.length) throw new Error("--docs goes with all parts");
  const plan = values.quick ? QUICK : FULL;
  const rounds = Number(values.rounds ?? plan.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a whole number, 1 or more");
  const missing = missingPackages();
  if (missing.length > 0) {
    const install = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
    process.stderr.write(`Not installed: ${missing.join(", ")}. To install: ${install}\n`);
    process.exitCode = 2;
    return;
  }
  installPeers();
  const folder = mkdtempSync(join(values.folder, "fleet-bench-"));
  // PostgreSQL's own user has to get through to its folder.
  chmodSync(folder, 0o711);
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const results = await measureAll(folder, { ...plan, rounds }, parts, say);
  const markdown = asMarkdown(results);
  say(`\n${markdown}`);
  if (values.docs) {
    await drawPlots(results, join(DOCS, "benchmark"));
    putIntoDocs(markdown);
  }
  if (values.json) say(JSON.stringify(results));
}

await main();
