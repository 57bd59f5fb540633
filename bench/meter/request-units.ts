/**
 * What Cosmos DB charges for a request, as a model: request units (RU) by size and by indexed terms.
 *
 * The formulas are estimates from Microsoft's documentation of request units and its capacity calculator
 * (learn.microsoft.com/azure/cosmos-db/request-units, …/optimize-cost-reads-writes), not measurements:
 *
 * - point read: by size, from the table `READ`; of nothing 1
 * - create: W(size) + 0.2 for each indexed term, W from the table `WRITE`
 * - replace: 2 · W(size) + 0.4 for each changed term
 * - delete: as the create of what is deleted
 * - a refused condition (409, 412): 1.2
 * - a query of few documents, or a count: 3, and for what it returns beyond the first KB what a point read
 *   pays for it
 * - under Strong consistency fresh reads and fresh queries cost double; writes, and queries that may be stale, don't
 *
 * Sizes are those of the JSON text, without Cosmos DB's own five properties. What the account says it charged
 * replaces all of it: `npm run bench:cost -- --cosmos` prints both.
 */
import { containers } from "../../shared/schema/containers.js";
import type { ContainerName } from "../../shared/schema/containers.js";

/** RU by KB, in between and beyond along straight lines; less than 1 KB costs as 1 KB. */
type Table = readonly (readonly [kb: number, ru: number])[];
const READ: Table = [
  [1, 1],
  [4, 1.1],
  [16, 1.7],
  [64, 4.8],
];
const WRITE: Table = [
  [1, 4.95],
  [4, 6.67],
  [8, 7.04],
  [16, 9.52],
  [64, 22.67],
];
const TERM_RU = 0.2;
const CHANGED_TERM_RU = 0.4;
const REFUSED_RU = 1.2;
const QUERY_RU = 3;

export type Doc = Readonly<Record<string, unknown>>;

/** Which paths of a container are indexed: those of infra/containers.json, or all, as in a container made without a policy. */
export type Indexing = "containers.json" | "default";

export function readRu(bytes: number): number {
  return along(READ, bytes / 1024);
}

export function createRu(bytes: number, terms: number): number {
  return along(WRITE, bytes / 1024) + TERM_RU * terms;
}

export function replaceRu(bytes: number, changedTerms: number): number {
  return 2 * along(WRITE, bytes / 1024) + CHANGED_TERM_RU * changedTerms;
}

export function queryRu(answerBytes: number): number {
  return QUERY_RU + Math.max(0, readRu(answerBytes) - readRu(1024));
}

export function refusedRu(): number {
  return REFUSED_RU;
}

function along(table: Table, kb: number): number {
  const [first] = table;
  if (first === undefined || kb <= first[0]) return first?.[1] ?? 0;
  const above = table.findIndex(([size]) => kb <= size);
  const end = above === -1 ? table.length - 1 : above;
  const [fromKb, fromRu] = table[end - 1] ?? first;
  const [toKb, toRu] = table[end] ?? first;
  return fromRu + ((kb - fromKb) / (toKb - fromKb)) * (toRu - fromRu);
}

/** How many terms the index has of this document. */
export function termsOf(container: ContainerName, doc: Doc, indexing: Indexing): number {
  return sum([...indexed(container, doc, indexing).values()].map((terms) => terms.size));
}

/** How many terms a replacement changes: of each path, the more of those that go and those that come. */
export function changedTerms(container: ContainerName, before: Doc, after: Doc, indexing: Indexing): number {
  const [old, next] = [indexed(container, before, indexing), indexed(container, after, indexing)];
  const none = new Set<string>();
  return sum(
    [...new Set([...old.keys(), ...next.keys()])].map((path) => {
      const [gone, come] = [old.get(path) ?? none, next.get(path) ?? none];
      return Math.max(gone.difference(come).size, come.difference(gone).size);
    }),
  );
}

/** The index entries of a document, by path; a composite index has one of each document that has all its paths. */
function indexed(container: ContainerName, doc: Doc, indexing: Indexing): Map<string, Set<string>> {
  const leaves = new Map<string, Set<string>>();
  collect(doc, "", leaves);
  if (indexing === "default") return leaves;
  const definition = containers.find(({ id }) => id === container);
  if (definition === undefined) throw new Error(`no container ${container}`);
  const { includedPaths, compositeIndexes } = definition.indexingPolicy;
  const kept = new Map<string, Set<string>>();
  // A unique key is an index, too.
  const unique = definition.uniqueKeyPolicy.uniqueKeys.flatMap(({ paths }) =>
    paths.map((path) => `${path}/?`),
  );
  for (const path of [...includedPaths.map((included) => included.path), ...unique]) {
    const terms = leaves.get(path.replace(/\/\?$/, ""));
    if (terms !== undefined) kept.set(path, terms);
  }
  for (const composite of compositeIndexes) {
    const values = composite.map(({ path }) => leaves.get(path));
    if (values.every((value) => value !== undefined))
      kept.set(
        composite.map(({ path, order }) => `${path} ${order}`).join(),
        new Set([JSON.stringify(values.map((value) => [...value]))]),
      );
  }
  return kept;
}

/** Every scalar by its path, `/deps/[]` for the elements of an array. */
function collect(value: unknown, path: string, into: Map<string, Set<string>>): void {
  if (value === undefined) return;
  if (Array.isArray(value)) for (const one of value) collect(one, `${path}/[]`, into);
  else if (typeof value === "object" && value !== null)
    for (const [name, member] of Object.entries(value)) collect(member, `${path}/${name}`, into);
  else into.set(path, (into.get(path) ?? new Set()).add(JSON.stringify(value)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
