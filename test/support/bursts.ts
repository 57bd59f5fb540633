/** Faults as a store in trouble gives them: a while of nothing, then many of one kind. */

export interface Bursts<Fault> {
  /** What happens to the next request; undefined: nothing. */
  readonly next: () => Fault | undefined;
  /** From now on nothing happens. */
  readonly end: () => void;
  /** How often each kind happened, by what `nameOf` calls it. */
  readonly counts: ReadonlyMap<string, number>;
}

/** `often`: how likely a burst begins with a request. One lasts up to `requestsMax`, of which it hits three in four. */
export function bursts<Fault>(
  random: () => number,
  kinds: readonly (() => Fault)[],
  { often, requestsMax, nameOf }: { often: number; requestsMax: number; nameOf: (fault: Fault) => string },
): Bursts<Fault> {
  const counts = new Map<string, number>();
  let left = 0;
  let kind: (() => Fault) | undefined;
  let ended = false;
  return {
    counts,
    end: () => {
      ended = true;
    },
    next: () => {
      if (ended) return undefined;
      if (left === 0 && random() < often) {
        left = 1 + Math.floor(random() * requestsMax);
        kind = kinds[Math.floor(random() * kinds.length)];
      }
      if (left === 0) return undefined;
      left--;
      if (random() < 0.25) return undefined;
      const fault = kind?.();
      if (fault !== undefined) counts.set(nameOf(fault), (counts.get(nameOf(fault)) ?? 0) + 1);
      return fault;
    },
  };
}
