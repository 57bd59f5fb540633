/** The store port's conditions and orders on documents in memory. */
import type { Condition, Query } from "../../shared/core/ports/store.js";

type Fields = Readonly<Record<string, unknown>>;

/** What `doc` is ordered by. */
export function values(query: Query, doc: Fields): readonly unknown[] {
  return query.orderBy.map(({ field }) => doc[field]);
}

/** Negative when `a` comes first. */
export function compare(query: Query, a: readonly unknown[], b: readonly unknown[]): number {
  for (const [place, { direction }] of query.orderBy.entries()) {
    const [x, y] = [a[place] as string | number, b[place] as string | number];
    if (x !== y) return (x < y ? -1 : 1) * (direction === "ascending" ? 1 : -1);
  }
  return 0;
}

/** Whether a document whose field has this value satisfies the condition. */
export function holds(condition: Condition, value: unknown): boolean {
  const absent = value === undefined;
  switch (condition.is) {
    case "equal":
      return value === condition.value;
    case "less":
      return !absent && (value as string) < (condition.value as string);
    case "at_most":
      return !absent && (value as string) <= (condition.value as string);
    case "greater":
      return !absent && (value as string) > (condition.value as string);
    case "in":
      return condition.values.includes(value as string);
    case "absent":
      return absent;
    case "absent_or_at_most":
      return absent || (value as string) <= (condition.value as string);
    case "absent_or_in":
      return absent || condition.values.includes(value as string);
    case "contains":
      return Array.isArray(value) && value.includes(condition.value);
    case "subset_of":
      return Array.isArray(value) && value.every((element) => condition.values.includes(element as string));
  }
}
