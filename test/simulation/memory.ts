/**
 * What an execution knows, so that it can go back to how it was. Saving costs next to nothing: what is
 * written afterwards is written to a copy. An order of entries that was there before is there again.
 */

/** Saves, and returns the way back. It may be gone more than once. */
type Save = () => () => void;

export class Memory {
  readonly #saves: Save[] = [];

  /** A map that goes back with the rest. */
  map<K, V>(): KeptMap<K, V> {
    const map = new KeptMap<K, V>();
    this.keep(() => map.save());
    return map;
  }

  /** Anything else that is to go back with the rest. */
  keep(save: Save): void {
    this.#saves.push(save);
  }

  save(): () => void {
    const ways = this.#saves.map((save) => save());
    return () => {
      for (const back of ways) back();
    };
  }
}

export class KeptMap<K, V> implements ReadonlyMap<K, V> {
  #map = new Map<K, V>();
  /** Whether somebody may come back to it as it is. */
  #saved = false;
  #about: string | undefined;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  set(key: K, value: V): this {
    this.#own().set(key, value);
    return this;
  }

  delete(key: K): boolean {
    return this.#map.has(key) && this.#own().delete(key);
  }

  /** Holds these entries, and no others. */
  fill(entries: Iterable<readonly [K, V]>): void {
    this.#map = new Map(entries);
    this.#saved = false;
    this.#about = undefined;
  }

  /** What `tell` says of the entries, asked once for each state of them. Always the same `tell`. */
  about(tell: (map: ReadonlyMap<K, V>) => string): string {
    return (this.#about ??= tell(this.#map));
  }

  forEach(each: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.#map) each(value, key, this);
  }

  entries(): MapIterator<[K, V]> {
    return this.#map.entries();
  }

  keys(): MapIterator<K> {
    return this.#map.keys();
  }

  values(): MapIterator<V> {
    return this.#map.values();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#map[Symbol.iterator]();
  }

  save(): () => void {
    const [map, about] = [this.#map, this.#about];
    this.#saved = true;
    return () => {
      this.#map = map;
      this.#saved = true;
      this.#about = about;
    };
  }

  #own(): Map<K, V> {
    if (this.#saved) this.fill(this.#map);
    this.#about = undefined;
    return this.#map;
  }
}
