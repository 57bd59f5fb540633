import type { Random } from "./ports/runtime.js";
import { sha256 } from "./hash.js";

/** A random place among job ids, which are spread evenly: they are hashes. */
export function randomPlace(fleet: { random: Random }): string {
  return `j${sha256(String(fleet.random.next()))}`;
}

/**
 * A walk over documents in the order of their ids, a bounded step at a time. It starts at a random
 * place, so that instances that live for one step only still cover everything between them, and wraps
 * at the end. A *pass* is one full wrap. It stands behind the last document that was visited, not
 * behind the last that was read: a step that ran out of time goes on where it stopped.
 */
export class SweepScan<T extends { readonly id: string }> {
  readonly #find: (afterId: string, limit: number) => Promise<readonly T[]>;
  #after: string;

  constructor(startAfter: string, find: (afterId: string, limit: number) => Promise<readonly T[]>) {
    this.#find = find;
    this.#after = startAfter;
  }

  /** Visits the next documents, `limit` at most and each once, while there is time; one at the least. */
  async step(limit: number, hasTime: () => boolean, visit: (document: T) => Promise<void>): Promise<void> {
    const start = this.#after;
    let visited = 0;
    for (const from of start === "" ? [""] : [start, ""]) {
      const found = await this.#find(from, limit - visited);
      for (const document of found) {
        if (from !== start && document.id > start) return;
        if (visited > 0 && !hasTime()) return;
        this.#after = document.id;
        visited++;
        await visit(document);
      }
      if (visited === limit) return;
      this.#after = "";
    }
  }
}
