/** Time, ids, chance and logging as ports, so that tests and simulations decide them. */
import type { Decision } from "../../schema/decision.js";

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
  /** One decision of the closed list, once it is true. */
  decision(decision: Decision): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
