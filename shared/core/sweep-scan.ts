import type { Random } from "./ports/runtime.js";
import { sha256 } from "./hash.js";

/** A random place among job ids, which are spread evenly: they are hashes. */
export function randomPlace(fleet: { random: Random }): string {
  return `j${sha256(String(fleet.random.next()))}`;
}

/**
 * A walk over documents in the order of their ids, a bounded step at a time. It starts at a random
 * place, so that instances that live for one step only still cover everything between them, and wraps
 * at the end. A *pass* is one full wrap.
 */
export class SweepScan<T extends { readonly id: string }> {
  readonly #find: (afterId: string, limit: number) => Promise<readonly T[]>;
  #after: string;

  constructor(startAfter: string, find: (afterId: string, limit: number) => Promise<readonly T[]>) {
    this.#find = find;
    this.#after = startAfter;
  }

  /** The next documents, `limit` at most, each once. */
  async step(limit: number): Promise<readonly T[]> {
    const start = this.#after;
    const found = await this.#find(start, limit);
    if (found.length === limit) {
      this.#after = found.at(-1)?.id ?? "";
      return found;
    }
    const wrapped = start === "" ? [] : await this.#find("", limit - found.length);
    const fromTheBeginning = wrapped.filter((document) => document.id <= start);
    this.#after = fromTheBeginning.at(-1)?.id ?? "";
    return [...found, ...fromTheBeginning];
  }
}
