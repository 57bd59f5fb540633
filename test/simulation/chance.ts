/** What a seed decides. The same seed decides the same, in the same order. */
export interface Chance {
  /** A whole number from 0 to `below` - 1. */
  readonly upTo: (below: number) => number;
  readonly oneIn: (n: number) => boolean;
  /** One of the list. */
  readonly pick: <T>(list: readonly [T, ...T[]]) => T;
}

export function chanceOf(random: () => number): Chance {
  const upTo = (below: number): number => Math.floor(random() * below);
  return { upTo, oneIn: (n) => upTo(n) === 0, pick: (list) => list[upTo(list.length)] ?? list[0] };
}
