/** What one execution is made of, between two choices. */
import type { CallSite } from "./call-site.js";
import { digest } from "./digest.js";
import type { Monitor } from "./monitor.js";
import type { Operation, Outcome } from "./operation.js";
import type { SimBlobs } from "./sim-blobs.js";

/** How many faults one execution may have, of each kind. */
export interface Faults {
  /** Actors that die. */
  readonly crashes: number;
  /** Writes whose answer is lost, though they happen, or happen later; requests refused (503) or throttled (429). */
  readonly lost: number;
  /** Queries that may be stale, and are. */
  readonly stale: number;
}

/** An operation that an actor waits for. */
export interface Pending {
  readonly operation: Operation;
  /** Where in the coordinator it was asked for. */
  readonly site: CallSite;
  /** Which request of which actor asked for it. */
  readonly by: string;
}

/** What an actor can see at once, beside what it is told. */
export interface Surroundings {
  readonly clock: { readonly ms: number };
  readonly blobs: SimBlobs;
}

export abstract class Process {
  readonly name: string;
  crashed = false;
  /** The last of its operations that took effect. */
  lastDone: CallSite | undefined;
  abstract readonly pending: readonly Pending[];
  /** A hash of all that it was told: with the code, its state. */
  abstract readonly history: string;
  abstract readonly ended: boolean;

  constructor(name: string) {
    this.name = name;
  }

  /** Tells it what came of an operation that it waits for. */
  abstract hears(pending: Pending, outcome: Outcome, surroundings: Surroundings): void;

  /** What it knew makes no difference any more. */
  abstract dies(): void;

  /** What it asks for, as the story tells it. */
  asks({ operation }: Pending): string {
    const { name, container, id } = operation;
    return `${this.name}: ${name} ${container}${id && ` ${id}`}`;
  }

  fingerprint(): string {
    const waits = this.pending.map(({ operation }) => operation.name + operation.id).join();
    return `${this.name}|${this.history}|${this.ended}|${this.crashed}|${waits}`;
  }
}

/** The history of who heard this of the operation that stood at `place` in what it waited for. */
export function lengthened(
  history: string,
  place: number,
  asked: string,
  outcome: Outcome,
  { clock, blobs }: Surroundings,
): string {
  return digest([history, place, asked, clock.ms, blobs.fingerprint(), outcome.text].join("|"));
}

/** A write that was given up on, and may happen yet. */
export interface Late {
  readonly text: string;
  readonly by: string;
  readonly effect: () => unknown;
}

export interface State extends Surroundings {
  readonly processes: Process[];
  readonly late: Late[];
  readonly faults: { crashes: number; lost: number; stale: number };
  readonly clock: { ms: number };
  readonly monitor: Monitor;
  /** Who went last. */
  actor: string;
  /** The request that causes what happens now: a late write is still its own request's. */
  cause: string;
  /** The operations before and after whose effect an actor died. */
  readonly crashSites: { before: CallSite[]; after: CallSite[] };
}

/** All that was asked for has been asked: promises are settled before the event loop turns. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
