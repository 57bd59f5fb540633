/** The figures of a life, and how they are printed. */
import { isWrite, NAIVE, OURS, requestRu, roundsOf, ruOf, strong, touchedBy } from "../meter/price.js";
import type { Design } from "../meter/price.js";
import type { StoreRequest } from "../meter/meter.js";
import { IDLE, SWEPT } from "./life.js";
import type { Step } from "./life.js";

export interface StepFigures {
  readonly name: string;
  /** Part of `totalRu`. */
  readonly inLife: boolean;
  readonly calls: number;
  /** To the store, of all calls. */
  readonly requests: number;
  /** Round trips of which each waits for the one before, in one call: the most that any of them needed. */
  readonly sequential: number;
  readonly documents: number;
  readonly bytes: number;
  readonly ru: number;
  /** Of the writes alone. */
  readonly writeRu: number;
  readonly strongRu: number;
  readonly naiveRu: number;
  readonly naiveStrongRu: number;
  /** What the store said it charged; absent where it says nothing. */
  readonly chargedRu?: number;
}

export interface BodyFigures {
  readonly kb: number;
  readonly steps: readonly StepFigures[];
  readonly totalRu: number;
  readonly totalWriteRu: number;
  readonly totalStrongRu: number;
  readonly totalNaiveRu: number;
  readonly totalNaiveStrongRu: number;
  readonly totalChargedRu?: number;
  /** What the reaper does later for a job that has ended, beyond its usual rounds; not in the totals above. */
  readonly sweptLaterRu: number;
}

export function figuresOf(kb: number, lived: readonly Step[]): BodyFigures {
  const steps = lived.map(stepFigures);
  const total = (of: (step: StepFigures) => number): number =>
    rounded(sum(steps.filter(({ inLife }) => inLife).map(of)));
  const charged = steps.some(({ chargedRu }) => chargedRu !== undefined);
  const ruOfStep = (name: string): number => steps.find((step) => step.name === name)?.ru ?? 0;
  return {
    kb,
    steps,
    totalRu: total(({ ru }) => ru),
    totalWriteRu: total(({ writeRu }) => writeRu),
    totalStrongRu: total(({ strongRu }) => strongRu),
    totalNaiveRu: total(({ naiveRu }) => naiveRu),
    totalNaiveStrongRu: total(({ naiveStrongRu }) => naiveStrongRu),
    sweptLaterRu: rounded(ruOfStep(SWEPT) - ruOfStep(IDLE)),
    ...(charged ? { totalChargedRu: total(({ chargedRu = 0 }) => chargedRu) } : {}),
  };
}

function stepFigures({ name, inLife, operations }: Step): StepFigures {
  const requests = operations.flatMap((operation) => operation.requests);
  const touched = requests.map(touchedBy);
  const ru = (design: Design, which?: (request: StoreRequest) => boolean): number =>
    rounded(sum(operations.map((operation) => ruOf(operation, design, which))));
  const charges = requests.flatMap(({ charged }) => charged ?? []);
  return {
    name,
    inLife,
    calls: operations.length,
    requests: requests.length,
    sequential: Math.max(0, ...operations.map(roundsOf)),
    documents: sum(touched.map(({ documents }) => documents)),
    bytes: sum(touched.map(({ bytes }) => bytes)),
    ru: ru(OURS),
    writeRu: ru(OURS, isWrite),
    strongRu: ru(strong(OURS)),
    naiveRu: ru(NAIVE),
    naiveStrongRu: ru(strong(NAIVE)),
    ...(charges.length === 0 ? {} : { chargedRu: rounded(sum(charges)) }),
  };
}

/** The table of one size. */
export function asTable({ kb, steps, ...totals }: BodyFigures): string {
  const charged = totals.totalChargedRu !== undefined;
  const line = (name: string, cells: readonly (number | string)[]): string =>
    `${name.padEnd(18)}${cells.map((cell) => String(cell).padStart(11)).join("")}`;
  const head = ["requests", "sequential", "KB", "RU", "of writes", "Strong", "naive", "n. Strong"];
  const rows = steps.map((step) =>
    line(step.inLife ? step.name : `(${step.name})`, [
      step.requests,
      step.sequential,
      (step.bytes / 1024).toFixed(1),
      ...[step.ru, step.writeRu, step.strongRu, step.naiveRu, step.naiveStrongRu].map((ru) => ru.toFixed(1)),
      ...(charged ? [(step.chargedRu ?? 0).toFixed(1)] : []),
    ]),
  );
  const { totalRu, totalWriteRu, totalStrongRu, totalNaiveRu, totalNaiveStrongRu, totalChargedRu } = totals;
  const life = [totalRu, totalWriteRu, totalStrongRu, totalNaiveRu, totalNaiveStrongRu];
  return [
    line(`${kb} KB bodies`, charged ? [...head, "charged"] : head),
    ...rows,
    line("a life", ["", "", "", ...life, ...(charged ? [totalChargedRu ?? 0] : [])].map(oneDigit)),
    line("swept later", ["", "", "", totals.sweptLaterRu.toFixed(1)]),
  ].join("\n");
}

/** Each request to the store: where the units go. */
export function asDetails(steps: readonly Step[]): string {
  return steps
    .flatMap(({ name, operations }) =>
      operations.flatMap((operation, call) =>
        operation.requests.map((request) => {
          const { bytes, documents } = touchedBy(request);
          return [
            `${name}${operations.length > 1 ? ` #${call + 1}` : ""}`.padEnd(18),
            `round ${request.round}`,
            `${request.method} ${request.effect.kind}`.padEnd(24),
            request.container.padEnd(16),
            `${documents} documents`.padStart(13),
            `${bytes} bytes`.padStart(13),
            `${requestRu(request, OURS).toFixed(2)} RU`.padStart(10),
            `naive ${requestRu(request, NAIVE).toFixed(2)}`.padStart(13),
            ...(request.charged === undefined ? [] : [`charged ${request.charged}`]),
          ].join("  ");
        }),
      ),
    )
    .join("\n");
}

function oneDigit(cell: number | string): string {
  return typeof cell === "number" ? cell.toFixed(1) : cell;
}

function rounded(ru: number): number {
  return Math.round(ru * 100) / 100;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
