/** How much is measured: all of it, or a look in a few minutes. */

export const PARTS = ["throughput", "delay", "backlog", "ineligible", "recovery", "leases"] as const;
export type Part = (typeof PARTS)[number];

export interface Plan {
  readonly rounds: number;
  readonly runMs: number;
  /** Without a delay. What survives the end of a process only is the lesser question. */
  readonly workers: { readonly power: readonly number[]; readonly process: readonly number[] };
  readonly delaysMs: readonly number[];
  readonly delayedWorkers: readonly number[];
  readonly backlogs: readonly number[];
  readonly ineligible: readonly number[];
  /** Whether leases of the default lengths are waited for: a minute and a half. */
  readonly defaultLeases: boolean;
}

export const FULL: Plan = {
  rounds: 5,
  runMs: 1000,
  workers: { power: [1, 2, 4, 8, 16, 32, 64], process: [1, 4, 16, 64] },
  delaysMs: [1, 5],
  delayedWorkers: [1, 8, 64],
  backlogs: [1000, 10_000, 100_000, 1_000_000],
  ineligible: [0, 1000, 10_000, 100_000],
  defaultLeases: true,
};

export const QUICK: Plan = {
  rounds: 1,
  runMs: 700,
  workers: { power: [1, 16, 64], process: [1, 16, 64] },
  delaysMs: [5],
  delayedWorkers: [64],
  backlogs: [1000, 100_000],
  ineligible: [0, 10_000],
  defaultLeases: false,
};
