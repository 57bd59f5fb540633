/** The schedules that are still to be run. */

/** A choice that was taken, after those before it. */
export interface Step {
  readonly before: Step | undefined;
  readonly choice: number;
  /** Whether an answer was lost, by this choice or one before. */
  readonly isLossy: boolean;
}

export function taken(before: Step | undefined, choice: number, isLoss: boolean): Step {
  return { before, choice, isLossy: isLoss || before?.isLossy === true };
}

/** A schedule to run: these steps, this choice, and then always the first. */
export interface Prefix {
  readonly after: Step | undefined;
  readonly choice: number;
  /** How many of its choices differ from the calm course. */
  readonly deviations: number;
}

/** Those that begin with the same steps. */
interface Branching {
  readonly after: Step | undefined;
  readonly choices: number[];
}

/** What is still to run, fewest deviations first. */
export class Waiting {
  readonly #byDeviations: Branching[][] = [];

  get isEmpty(): boolean {
    return this.#byDeviations.every((branchings) => branchings.length === 0);
  }

  push(after: Step | undefined, choices: number[], deviations: number): void {
    if (choices.length === 0) return;
    while (this.#byDeviations.length <= deviations) this.#byDeviations.push([]);
    this.#byDeviations[deviations]?.push({ after, choices });
  }

  next(): Prefix | undefined {
    const deviations = this.#byDeviations.findIndex((branchings) => branchings.length > 0);
    const branchings = this.#byDeviations[deviations];
    const last = branchings?.at(-1);
    const choice = last?.choices.pop();
    if (last === undefined || choice === undefined) return undefined;
    if (last.choices.length === 0) branchings?.pop();
    return { after: last.after, choice, deviations };
  }
}
