/** A query of the store port as SQL with its bound values. */
import type { Condition, Query } from "../core/ports/store.js";
import type { ContainerName } from "../schema/containers.js";
import { afterText, conditionText, orderText } from "./query-text.js";
import type { Dialect, Scalar } from "./query-text.js";
import { isAbsent, isPresent, sqlProperty } from "./sqlite-schema.js";

export interface SqlStatement {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

/** Selects what `columns` says from the documents of a query; without a partition, of all of them. */
export function selectSql(
  container: ContainerName,
  partition: string | undefined,
  query: Query,
  columns: string,
  limit: number,
): SqlStatement {
  const { dialect, values } = sqlDialect(container);
  // A field that a condition fixes orders nothing, and SQLite sorts the whole queue because of it: it
  // does not see that an expression is constant. (Cosmos DB wants it, to find its composite index.)
  const fixed = new Set(query.where.filter(({ is }) => is === "equal").map(({ field }) => field));
  const orderBy = query.orderBy.filter(({ field }) => field === "id" || !fixed.has(field));
  const where = [
    ...whereTexts(dialect, partition, query.where),
    // By contract every selected document has these; saying so lets SQLite use its partial indexes.
    ...orderBy
      .filter(({ field }) => dialect.property(field).startsWith("json_"))
      .map(({ field }) => isPresent(field)),
    ...(query.after === undefined ? [] : [afterText(dialect, query.orderBy, query.after)]),
  ];
  const order = orderBy.length === 0 ? "" : ` ORDER BY ${orderText(dialect, orderBy)}`;
  const text = `SELECT ${columns} FROM ${container}${joined(where)}${order} LIMIT ${dialect.bind(limit)}`;
  return { text, values };
}

/** Counts the documents of a partition that satisfy all conditions. */
export function countSql(
  container: ContainerName,
  partition: string,
  where: readonly Condition[],
): SqlStatement {
  const { dialect, values } = sqlDialect(container);
  const text = `SELECT COUNT(*) AS found FROM ${container}${joined(whereTexts(dialect, partition, where))}`;
  return { text, values };
}

/** The columns of a projection: each property as the JSON text that is stored, or NULL where it is absent. */
export function projectionColumns(fields: readonly string[] | "all"): string {
  if (fields === "all") return "body";
  // The id has its column, and a candidate query wants nothing else: then no body is read at all.
  return fields
    .map(
      (field) =>
        `${field === "id" ? "json_quote(id)" : `body -> '$.${field}'`} AS ${projectionColumn(field)}`,
    )
    .join(", ");
}

/** The name of a property's column. Not the property's: ORDER BY id would take it for the projected one. */
export function projectionColumn(field: string): string {
  return `asked_${field}`;
}

function whereTexts(dialect: Dialect, partition: string | undefined, where: readonly Condition[]): string[] {
  const scope = partition === undefined ? [] : [`pk = ${dialect.bind(partition)}`];
  return [...scope, ...where.map((condition) => conditionText(dialect, condition))];
}

function joined(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}

function sqlDialect(container: ContainerName): { dialect: Dialect; values: (string | number)[] } {
  const values: (string | number)[] = [];
  const bind = (value: Scalar): string => {
    // json_extract gives JSON's true as 1 and false as 0.
    values.push(typeof value === "boolean" ? Number(value) : value);
    return "?";
  };
  const isArray = (field: string) => `json_type(body, '$.${field}') = 'array'`;
  const dialect: Dialect = {
    property: (field) => sqlProperty(container, field),
    bind,
    absent: isAbsent,
    contains: (field, value) =>
      `(${isArray(field)} AND EXISTS (SELECT 1 FROM json_each(body, '$.${field}') AS e WHERE e.value = ${bind(value)}))`,
    subsetOf: (field, allowed) => {
      const list = bind(JSON.stringify(allowed));
      return `(${isArray(field)} AND NOT EXISTS (SELECT 1 FROM json_each(body, '$.${field}') AS e
        WHERE e.value NOT IN (SELECT value FROM json_each(${list}))))`;
    },
  };
  return { dialect, values };
}
