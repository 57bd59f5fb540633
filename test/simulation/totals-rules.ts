/**
 * 17: what the totals say is never more than what the runs that ended used, and as much when faults stop.
 * The rule keeps its own account: of each run the most that its document ever said, whether or not the
 * document is still there. A run that comes back from the dead is the same run.
 */
import type { Insights } from "../../shared/schema/insights.js";
import type { Run } from "../../shared/schema/run.js";
import type { Totals } from "../../shared/schema/totals.js";
import type { KeptMap, Memory } from "./memory.js";
import { Violation } from "./violation.js";

interface Used {
  readonly of: string;
  readonly superseded: boolean;
  readonly figures: ReadonlyMap<string, number>;
}

type Account = Record<string, number>;

export class Ledger {
  readonly #runs: KeptMap<string, Used>;
  readonly #totals: KeptMap<string, Totals>;

  constructor(memory: Memory) {
    this.#runs = memory.map();
    this.#totals = memory.map();
  }

  ran(run: Run): void {
    if (run.endedAt === undefined) return;
    const known = this.#runs.get(run.id);
    const figures = new Map(known?.figures);
    for (const [figure, value] of figuresOf(run.insights))
      figures.set(figure, Math.max(value, figures.get(figure) ?? 0));
    const superseded = known?.superseded === true || run.superseded === true;
    this.#runs.set(run.id, { of: known?.of ?? nameOf(run), superseded, figures });
  }

  /** A version of some totals: never above, at any step. */
  counted(totals: Totals): void {
    this.#totals.set(nameOf(totals), totals);
    const used = this.#usedBy(nameOf(totals));
    for (const [figure, value] of Object.entries(accountOf(totals)))
      if (value > (used[figure] ?? 0))
        throw new Violation(17, `the totals say ${figure} ${value} of ${used[figure] ?? 0}: counted twice`);
  }

  /** When faults have stopped. */
  checkComplete(): void {
    for (const name of new Set([...this.#runs.values()].map(({ of }) => of))) {
      const totals = this.#totals.get(name);
      const told = totals === undefined ? {} : accountOf(totals);
      for (const [figure, value] of Object.entries(this.#usedBy(name)))
        if ((told[figure] ?? 0) !== value)
          throw new Violation(17, `the totals say ${figure} ${told[figure] ?? 0} of ${value}: not counted`);
    }
  }

  #usedBy(name: string): Account {
    const account: Account = {};
    const add = (figure: string, value: number): void => {
      account[figure] = (account[figure] ?? 0) + value;
    };
    for (const { of, superseded, figures } of this.#runs.values()) {
      if (of !== name) continue;
      for (const part of superseded ? ["", "superseded "] : [""]) {
        add(`${part}runs`, 1);
        for (const [figure, value] of figures) add(part + figure, value);
      }
    }
    return account;
  }
}

function nameOf({ productId, engine }: { productId: string; engine?: string | undefined }): string {
  return JSON.stringify([productId, engine ?? null]);
}

function figuresOf(insights: Insights): [string, number][] {
  return Object.entries(insights).filter((entry): entry is [string, number] => typeof entry[1] === "number");
}

function accountOf({ runs, insights, superseded }: Totals): Account {
  const waste = figuresOf(superseded.insights).map(([figure, value]) => [`superseded ${figure}`, value]);
  return {
    runs,
    "superseded runs": superseded.runs,
    ...Object.fromEntries([...figuresOf(insights), ...waste]),
  } as Account;
}
