/**
 * `npm run bench:cost`: what one life of a job costs on Cosmos DB, by the model of bench/meter/request-units.ts,
 * and how many round trips each call waits for. The life runs through HTTP on the embedded store, with bodies of
 * 1, 4, 16 and 64 KB. `-- --verbose` prints every request to the store, `--json` one JSON object on the last line;
 * `--update` writes the figures into docs/cost.md.
 *
 * `-- --cosmos` runs the same life on the account that COSMOS_ENDPOINT and COSMOS_DATABASE name, and prints what it
 * charged beside the model; `--emulator` on one of its own, which charges 1 for everything. The jobs stay there,
 * in products named `bench-cost-…`.
 */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { openBench } from "./cost/bench-store.js";
import { liveOnce } from "./cost/life.js";
import { asDetails, asTable, figuresOf } from "./cost/report.js";
import type { BodyFigures } from "./cost/report.js";
import { SHOWN_KB, updatePage } from "./cost/markdown.js";
import { newMeter } from "./meter/meter.js";
import { startMeteredApp } from "./meter/metered-app.js";

const SIZES_KB = [1, 4, 16, 64];
const TARGET = { kb: SHOWN_KB, ru: 330, strongRu: 360 };
const SEQUENTIAL: Readonly<Record<string, number>> = { submit: 1, claim: 4, renew: 3, patch: 3, release: 3 };

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    cosmos: { type: "boolean", default: false },
    update: { type: "boolean", default: false },
    emulator: { type: "boolean", default: false },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** How far each target is met. */
function verdicts({ steps, totalRu, totalStrongRu }: BodyFigures): string[] {
  const verdict = (what: string, found: number, target: number): string =>
    `${found <= target ? "met   " : "MISSED"} ${what}: ${found}, target ${target}`;
  return [
    verdict(`RU of a life, ${TARGET.kb} KB`, totalRu, TARGET.ru),
    verdict(`RU of a life with Strong's reads, ${TARGET.kb} KB`, totalStrongRu, TARGET.strongRu),
    ...Object.entries(SEQUENTIAL).map(([name, target]) => {
      const found = steps
        .filter((step) => step.name.split(" ")[0] === name)
        .map(({ sequential }) => sequential);
      return verdict(`sequential round trips of ${name}`, Math.max(...found), target);
    }),
  ];
}

const meter = newMeter();
const where = values.cosmos ? "account" : values.emulator ? "emulator" : "embedded";
const bodies: BodyFigures[] = [];
for (const kb of SIZES_KB) {
  const opened = await openBench(where, meter);
  const app = await startMeteredApp(meter, opened.store);
  try {
    const steps = await liveOnce(app, meter, { kb, product: `bench-cost-${randomUUID()}` });
    const figures = figuresOf(kb, steps);
    bodies.push(figures);
    say(`${asTable(figures)}\n`);
    if (values.verbose) say(`${asDetails(steps)}\n`);
  } finally {
    await app.stop();
    await opened.close();
  }
}
for (const figures of bodies) if (figures.kb === TARGET.kb) say(verdicts(figures).join("\n"));
if (values.update) updatePage("docs/cost.md", bodies);
if (values.json) say(JSON.stringify({ bodies }));
