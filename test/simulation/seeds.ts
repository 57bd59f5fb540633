/** `npm run prove:seeds -- [--seeds N] [--from S] [--json]`: random lives alone; see lives.ts. */
import { parseArgs } from "node:util";
import { live } from "./lives.js";
import type { Life } from "./lives.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});

function tell(life: Life): void {
  for (const line of life.trace) process.stdout.write(`    ${line}\n`);
  process.stdout.write(
    `✗ seed ${life.seed}: ${life.broken?.message ?? ""}\n  npm run prove:seeds -- --from ${life.seed} --seeds 1\n`,
  );
}

const first = Number(values.from);
const totals = { seeds: 0, steps: 0, faults: 0, histories: 0 };
const violations: { seed: number; invariant: string; message: string }[] = [];
for (let seed = first; seed < first + Number(values.seeds) && violations.length === 0; seed++) {
  const life = await live(seed);
  totals.seeds++;
  totals.steps += life.steps;
  totals.faults += life.faults;
  totals.histories += life.histories;
  if (life.broken === undefined) continue;
  violations.push({ seed, ...life.broken });
  if (!values.json) tell(life);
}
const figures = {
  ...totals,
  stepsPerSeed: Math.round(totals.steps / totals.seeds),
  faultsPerSeed: totals.faults / totals.seeds,
  violations,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exitCode = violations.length === 0 ? 0 : 1;
