/** A query of the store port in Cosmos DB's SQL: values always as parameters, properties in brackets. */
import type { SqlQuerySpec } from "@azure/cosmos";
import type { Condition, Query } from "../core/ports/store.js";
import { partitionFields } from "../schema/containers.js";
import type { ContainerName } from "../schema/containers.js";
import { afterText, conditionText, orderText } from "./query-text.js";
import type { Dialect, Scalar } from "./query-text.js";

type Parameters = NonNullable<SqlQuerySpec["parameters"]>;

/** Selects `fields` of the documents of a query, `top` at most; without a partition, of all of them. */
export function selectSpec(
  container: ContainerName,
  partition: string | undefined,
  query: Query,
  fields: readonly string[] | "all",
  top: number,
): SqlQuerySpec {
  const { dialect, parameters } = cosmosDialect();
  const where = [
    ...whereTexts(container, dialect, partition, query.where),
    ...(query.after === undefined ? [] : [afterText(dialect, query.orderBy, query.after)]),
  ];
  const columns = fields === "all" ? "*" : fields.map((field) => dialect.property(field)).join(", ");
  const order = orderText(dialect, query.orderBy);
  // The number of documents is part of the text: TOP takes no parameter with every gateway.
  return { query: `SELECT TOP ${top} ${columns} FROM c${joined(where)} ORDER BY ${order}`, parameters };
}

/** Counts the documents of a partition that satisfy all conditions. */
export function countSpec(
  container: ContainerName,
  partition: string,
  where: readonly Condition[],
): SqlQuerySpec {
  const { dialect, parameters } = cosmosDialect();
  const conditions = joined(whereTexts(container, dialect, partition, where));
  return { query: `SELECT VALUE COUNT(1) FROM c${conditions}`, parameters };
}

/**
 * The partition stands in the text as well as in the request's options: the emulator ignores the
 * latter, and a query that crossed tenants there would pass its tests.
 */
function whereTexts(
  container: ContainerName,
  dialect: Dialect,
  partition: string | undefined,
  where: readonly Condition[],
): string[] {
  const scope =
    partition === undefined
      ? []
      : [`${dialect.property(partitionFields[container])} = ${dialect.bind(partition)}`];
  return [...scope, ...where.map((condition) => conditionText(dialect, condition))];
}

function joined(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}

function cosmosDialect(): { dialect: Dialect; parameters: Parameters } {
  const parameters: Parameters = [];
  const bindJson = (value: Scalar | Scalar[]): string => {
    const name = `@p${parameters.length}`;
    parameters.push({ name, value });
    return name;
  };
  // Bracketed: "order" and "value" are words of the language.
  const property = (field: string) => `c["${field}"]`;
  const dialect: Dialect = {
    property,
    bind: bindJson,
    absent: (field) => `NOT IS_DEFINED(${property(field)})`,
    contains: (field, value) => `ARRAY_CONTAINS(${property(field)}, ${bindJson(value)})`,
    subsetOf: (field, values) =>
      `IS_ARRAY(${property(field)}) AND NOT EXISTS(SELECT VALUE e FROM e IN ${property(field)} WHERE NOT ARRAY_CONTAINS(${bindJson([...values])}, e))`,
  };
  return { dialect, parameters };
}
