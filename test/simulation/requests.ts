/** The requests of clients, and what became of each so far. */
import { effectOf } from "./effects.js";
import type { KeptMap, Memory } from "./memory.js";
import type { Operation } from "./operation.js";
import type { Effect, Request } from "./seen.js";

export class Requests {
  /** By the name of the actor and a number of its own. */
  readonly #all: KeptMap<string, Request>;

  constructor(memory: Memory) {
    this.#all = memory.map();
  }

  begin(by: string, productId: string, from: number, isClaim: boolean): Request {
    const unknown = { effects: [], uncertain: false, shownOld: false, ended: false };
    const request = { by, productId, isClaim, from, ...unknown };
    this.#all.set(by, request);
    return request;
  }

  find(by: string): Request | undefined {
    return this.#all.get(by);
  }

  get(by: string): Request {
    const request = this.#all.get(by);
    if (request === undefined) throw new Error(`nobody asked ${by}`);
    return request;
  }

  underWay(): Request[] {
    return [...this.#all.values()].filter(({ ended }) => !ended);
  }

  did(request: Request, effect: Effect): void {
    this.#change(request.by, { effects: [...request.effects, effect] });
  }

  /** It is answered, or was given up. */
  end(by: string): void {
    this.#change(by, { ended: true });
  }

  /** Those that this actor had under way have no answer any more. */
  died(name: string): void {
    for (const by of this.#all.keys()) if (by.startsWith(`${name}#`)) this.end(by);
  }

  /** Nobody knows whether this operation of a request will have had an effect. */
  outcomeUnknown(by: string, { container, content }: Operation): void {
    if (content !== undefined && effectOf(container, content.doc, undefined) !== undefined)
      this.#change(by, { uncertain: true });
  }

  shownOld(by: string): void {
    this.#change(by, { shownOld: true });
  }

  #change(by: string, what: Partial<Request>): void {
    const request = this.#all.get(by);
    if (request !== undefined) this.#all.set(by, { ...request, ...what });
  }
}
