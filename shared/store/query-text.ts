/**
 * The conditions, order and place of a query as text. SQLite and Cosmos DB share this grammar, down to
 * how three-valued logic treats a missing property; where they differ, a dialect says so.
 */
import type { Condition, Order } from "../core/ports/store.js";

export type Scalar = string | number | boolean;

/** How one database spells what the two have in common. `field` is a checked name, never a user's text. */
export interface Dialect {
  /** The expression for a top-level property. */
  property(field: string): string;
  /** Binds a value and gives the text that stands for it. */
  bind(value: Scalar): string;
  absent(field: string): string;
  contains(field: string, value: Scalar): string;
  subsetOf(field: string, values: readonly Scalar[]): string;
}

const COMPARISONS = { equal: "=", less: "<", at_most: "<=", greater: ">" } as const;

/** One condition as an expression that is true, or not true, for each document. */
export function conditionText(dialect: Dialect, condition: Condition): string {
  const { field } = condition;
  const property = dialect.property(field);
  switch (condition.is) {
    case "equal":
    case "less":
    case "at_most":
    case "greater":
      return `${property} ${COMPARISONS[condition.is]} ${dialect.bind(condition.value)}`;
    case "in":
      return isOneOf(dialect, field, condition.values);
    case "absent":
      return dialect.absent(field);
    case "absent_or_at_most":
      return `(${dialect.absent(field)} OR ${property} <= ${dialect.bind(condition.value)})`;
    case "absent_or_in":
      return condition.values.length === 0
        ? dialect.absent(field)
        : `(${dialect.absent(field)} OR ${isOneOf(dialect, field, condition.values)})`;
    case "contains":
      return dialect.contains(field, condition.value);
    case "subset_of":
      return dialect.subsetOf(field, condition.values);
  }
}

function isOneOf(dialect: Dialect, field: string, values: readonly Scalar[]): string {
  // Neither database has an empty list. `1 = 0` is false in both; a bare `false` is not.
  if (values.length === 0) return "1 = 0";
  return `${dialect.property(field)} IN (${values.map((value) => dialect.bind(value)).join(", ")})`;
}

/**
 * The documents behind the one whose order fields have the values `after`: for (a, b), descending by b,
 * it is `a >= x AND (a > x OR a = x AND b < y)`. The first part adds nothing but a range that both
 * databases can start their index scan at; an OR alone makes them read from the beginning. It stays
 * flat because the emulator's parser takes four times as long for each nested parenthesis.
 */
export function afterText(dialect: Dialect, orderBy: readonly Order[], after: readonly Scalar[]): string {
  const compare = (place: number, operator: string): string => {
    const order = orderBy[place];
    const value = after[place];
    if (order === undefined || value === undefined) throw new Error("a place needs a value for each field");
    return `${dialect.property(order.field)} ${operator} ${dialect.bind(value)}`;
  };
  const beyond = (place: number) => (orderBy[place]?.direction === "descending" ? "<" : ">");
  if (orderBy.length === 1) return compare(0, beyond(0));
  // SQLite binds by position: what stands first in the text is bound first.
  const start = compare(0, `${beyond(0)}=`);
  const alternatives = orderBy.map((_order, place) =>
    [
      ...orderBy.slice(0, place).map((_tied, before) => compare(before, "=")),
      compare(place, beyond(place)),
    ].join(" AND "),
  );
  return `${start} AND (${alternatives.join(" OR ")})`;
}

/** The order as the text behind ORDER BY. */
export function orderText(dialect: Dialect, orderBy: readonly Order[]): string {
  return orderBy
    .map(({ field, direction }) => `${dialect.property(field)} ${direction === "ascending" ? "ASC" : "DESC"}`)
    .join(", ");
}
