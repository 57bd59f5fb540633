/**
 * What every adapter refuses before it asks its database. One place, so that a query that Cosmos DB
 * would reject, or a missing index there, can't pass its tests on SQLite.
 */
import type { Condition, Order, Query } from "../core/ports/store.js";
import { containers } from "../schema/containers.js";
import type { ContainerDefinition, ContainerName } from "../schema/containers.js";

type IndexingPolicy = ContainerDefinition["indexingPolicy"];

/** Names become part of the query's text, so they are letters and digits and nothing else. */
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9]*$/;

/** The definition of a container in infra/containers.json. */
function definitionOf(container: ContainerName): ContainerDefinition {
  const found = containers.find((definition) => definition.id === container);
  if (found === undefined) throw new Error(`${container}: no such container`);
  return found;
}

/** Throws a plain Error, a programmer's, unless `query` keeps the port's contract and has its index. */
export function assertQuery(container: ContainerName, query: Query, fields: readonly string[] | "all"): void {
  if (!Number.isSafeInteger(query.limit) || query.limit < 1) {
    throw new Error(`${container}: a query's limit is a whole number from 1 on, not ${query.limit}`);
  }
  if (query.after !== undefined && query.after.length !== query.orderBy.length) {
    throw new Error(`${container}: "after" needs one value for each field of the order`);
  }
  if (fields !== "all") {
    if (fields.length === 0) throw new Error(`${container}: a projection needs a field`);
    fields.forEach(assertFieldName);
  }
  assertConditions(query.where);
  assertOrderIsIndexed(container, query.orderBy);
}

/** Throws unless each condition names a plain field. */
export function assertConditions(where: readonly Condition[]): void {
  for (const { field } of where) assertFieldName(field);
}

/** Throws unless containers.json has what Cosmos DB needs for this order. */
function assertOrderIsIndexed(container: ContainerName, orderBy: readonly Order[]): void {
  if (orderBy.length === 0) throw new Error(`${container}: a query needs an order`);
  for (const { field } of orderBy) assertFieldName(field);
  if (!orderIsIndexed(definitionOf(container).indexingPolicy, orderBy)) {
    const wanted = orderBy.map(({ field, direction }) => `${field} ${direction}`).join(", ");
    throw new Error(`${container}: infra/containers.json has no index for the order ${wanted}`);
  }
}

/**
 * Whether Cosmos DB can answer in this order, of one field or more: for one its path must be among the
 * included ones, for several there must be a composite index of exactly these fields and directions. A
 * longer index that begins with them does not serve there.
 */
export function orderIsIndexed(
  { includedPaths, compositeIndexes }: Pick<IndexingPolicy, "includedPaths" | "compositeIndexes">,
  orderBy: readonly Order[],
): boolean {
  const [first, second] = orderBy;
  if (second === undefined) return includedPaths.some(({ path }) => path === `/${first?.field ?? ""}/?`);
  return compositeIndexes.some(
    (index) =>
      index.length === orderBy.length &&
      index.every(
        ({ path, order }, place) =>
          path === `/${orderBy[place]?.field ?? ""}` && order === orderBy[place]?.direction,
      ),
  );
}

function assertFieldName(field: string): void {
  if (!FIELD_NAME.test(field)) throw new Error(`not the name of a field: ${JSON.stringify(field)}`);
}
