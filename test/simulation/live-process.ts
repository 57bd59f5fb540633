/** An actor that runs: the production code, stopped at each operation until it is told what came of it. */
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { NOWHERE, StackedSite } from "./call-site.js";
import type { Operation, Outcome } from "./operation.js";
import { Process, lengthened } from "./state.js";
import type { Pending, Surroundings } from "./state.js";

interface Waiter {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class LiveProcess extends Process {
  readonly pending: Pending[] = [];
  history = "";
  ended = false;
  /** What it ended with, if it was nothing that a client must expect. */
  failure: Error | undefined;
  /** Whether somebody wants to know where it asks: that costs more than all the rest of asking. */
  tellsWhere = true;
  readonly #waiters = new Map<Pending, Waiter>();

  begin(acting: Promise<unknown>): void {
    acting.then(
      () => (this.ended = true),
      (error: unknown) => {
        this.ended = true;
        if (error instanceof StoreUnavailable || error instanceof StoreThrottled) return;
        this.failure = error instanceof Error ? error : new Error(String(error));
      },
    );
  }

  readonly perform = (operation: Operation, by: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      // What the dead would still ask for, nobody hears.
      if (this.crashed) return;
      const pending = { operation, site: this.tellsWhere ? new StackedSite() : NOWHERE, by };
      this.pending.push(pending);
      this.#waiters.set(pending, { resolve, reject });
    });

  hears(pending: Pending, outcome: Outcome, surroundings: Surroundings): void {
    const place = this.pending.indexOf(pending);
    this.history = lengthened(this.history, place, this.asks(pending), outcome, surroundings);
    this.pending.splice(place, 1);
    const waiter = this.#waiters.get(pending);
    this.#waiters.delete(pending);
    if ("error" in outcome) waiter?.reject(outcome.error());
    else waiter?.resolve(outcome.value());
  }

  dies(): void {
    this.history = "";
    this.crashed = true;
    this.pending.splice(0);
  }
}
