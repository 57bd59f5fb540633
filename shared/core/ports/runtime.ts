/** Time, ids, chance and logging as ports, so that tests and simulations decide them. */

export interface Clock {
  /** Milliseconds since 1970, possibly with a fraction. */
  now(): number;
}

export interface Ids {
  /** A new id that nobody has used, safe in any id of the contract. */
  unique(): string;
}

export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** Waits `ms` milliseconds. */
export type Pause = (ms: number) => Promise<void>;

/** Where an operation says what a person may want to know later. Never a secret, never a body. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
