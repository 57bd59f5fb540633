/** Sets an entry as the latest of a memory that is bounded: past `max` entries the oldest goes. */
export function remember<V>(memory: Map<string, V>, key: string, value: V, max: number): void {
  memory.delete(key);
  memory.set(key, value);
  const [oldest] = memory.keys();
  if (memory.size > max && oldest !== undefined) memory.delete(oldest);
}
