/** What one execution is made of, between two choices. */
import { hash } from "node:crypto";
import type { CallSite } from "./call-site.js";
import type { Monitor } from "./monitor.js";
import type { Operation } from "./operation.js";

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
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Process {
  readonly name: string;
  readonly pending: Pending[] = [];
  /** A hash of all that it was told: with the code, its state. */
  history = "";
  ended = false;
  crashed = false;
  /** The last of its operations that took effect. */
  lastDone: CallSite | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** What it asks for, as the story tells it. */
  asks({ operation }: Pending): string {
    const { name, container, id } = operation;
    return `${this.name}: ${name} ${container}${id && ` ${id}`}`;
  }

  /** Takes the operation from what it waits for. */
  take(pending: Pending): void {
    this.pending.splice(this.pending.indexOf(pending), 1);
  }

  fingerprint(): string {
    const waits = this.pending.map(({ operation }) => operation.name + operation.id).join();
    return [this.name, this.history, this.ended, this.crashed, waits].join("|");
  }
}

/** A write that was given up on, and may happen yet. */
export interface Late {
  readonly text: string;
  readonly by: string;
  readonly effect: () => unknown;
}

export interface State {
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

export function digest(text: string): string {
  return hash("sha1", text, "base64");
}
