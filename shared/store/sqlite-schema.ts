/** Tables and indexes of the embedded store, made from the same definition as the Cosmos containers. */
import type { DatabaseSync } from "node:sqlite";
import { containers, partitionFields } from "../schema/containers.js";
import type { ContainerDefinition, ContainerName } from "../schema/containers.js";

/** The layout that this code reads and writes, kept in `PRAGMA user_version`. */
export const SQLITE_SCHEMA_VERSION = 1;

/**
 * Indexes of the queries over every partition. Cosmos DB answers those from the ones it has anyway
 * (its partitions are many, its indexes local); here each scan of the reaper needs its own.
 */
const EVERY_PARTITION: readonly { container: ContainerName; fields: readonly string[]; where?: string }[] = [
  // The sweep: blocked jobs, or those of the owned stages, by id; jobs left dirty by id.
  { container: "fleet_jobs", fields: ["stage", "id"] },
  { container: "fleet_jobs", fields: ["dirty", "id"], where: isPresent("dirty") },
  // Jobs that a version without lanes queued: none, once the sweep has been by.
  { container: "fleet_jobs", fields: ["stage", "lane", "id"], where: isAbsent("lane") },
  // Leases that ran out, the longest over first. The status leads: leases of finished jobs pile up.
  { container: "fleet_leases", fields: ["status", "expiresAt", "id"] },
  // Jobs that ended, the longest ago first; tombstones, which pile up, left out.
  { container: "fleet_jobs", fields: ["stage", "stageChangedAt", "id"], where: isAbsent("tombstone") },
  // Runs that nobody closed, and that are not counted: few, whatever the history.
  { container: "fleet_runs", fields: ["id"], where: isAbsent("endedAt") },
  { container: "fleet_runs", fields: ["uncounted", "id"], where: isPresent("uncounted") },
];

/**
 * Indexes of queries for a composite's children. Cosmos DB intersects those of two paths; SQLite takes one,
 * and would read all jobs of a product for the newest children of one. Only children are in them.
 */
const CHILDREN: readonly (readonly IndexColumn[])[] = [
  ascending(["parentId", "stage"]),
  [
    ...ascending(["parentId"]),
    ...["createdAt", "id"].map((field) => ({ field, direction: "descending" }) as const),
  ],
];

/**
 * Indexes of containers.json that no query here needs. Cosmos DB wants them for the queries over every
 * partition, which have their own above, or to judge a condition beside an order, which here the
 * order's index leads to. Of the pages that claiming and shipping a job wrote, they were two in five.
 */
const NOT_HERE: ReadonlySet<string> = new Set([
  "fleet_jobs_by_stage_stageChangedAt_id",
  "fleet_jobs_with_dirty_id",
  "fleet_jobs_with_tombstone_id",
  "fleet_jobs_with_notBefore_id",
  "fleet_leases_by_status_expiresAt_id",
  "fleet_runs_with_endedAt_id",
  "fleet_runs_with_uncounted_id",
]);

/**
 * The expression for a top-level property. Index and query must have it in exactly this form, or
 * SQLite does not recognise the index; therefore it is written here only.
 */
export function sqlProperty(container: ContainerName, field: string): string {
  if (field === "id") return "id";
  if (field === partitionFields[container]) return "pk";
  return extract(field);
}

/** A condition that the property is there. JSON null never occurs: undefined members are dropped. */
export function isPresent(field: string): string {
  return `${extract(field)} IS NOT NULL`;
}

/** The opposite of `isPresent`. */
export function isAbsent(field: string): string {
  return `${extract(field)} IS NULL`;
}

/**
 * Throws when the file is damaged. It reads every page, a second for some 300 MB: without it a coordinator
 * starts on a damaged file, hands out the jobs that it can read, and builds on the damage. Indexes are
 * not held against their tables, which takes five times as long.
 */
export function checkSound(db: DatabaseSync): void {
  const found = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (found !== "ok") throw new Error(`it is damaged: ${String(found).replaceAll(/\s+/g, " ")}`);
}

/**
 * Creates what is missing, and drops the indexes that another release made and this one has no use for.
 * Safe to run on a file that another process has open.
 */
export function createSchema(db: DatabaseSync): void {
  for (const definition of containers) {
    // A rowid table: bodies of up to 1 MiB don't belong into the key's B-tree.
    db.exec(`CREATE TABLE IF NOT EXISTS ${definition.id}
      (pk TEXT NOT NULL, id TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (pk, id))`);
    const wanted = indexesOf(definition);
    for (const name of indexesIn(db, definition.id)) if (!wanted.has(name)) db.exec(`DROP INDEX ${name}`);
    for (const create of wanted.values()) db.exec(create);
  }
}

/** The indexes of a container that some release has made: those that have a name of ours. */
function indexesIn(db: DatabaseSync, container: ContainerName): string[] {
  const found = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?");
  const ours = new RegExp(`^${container}_(by|with|unique|all)_\\w+$`);
  return found
    .all(container)
    .map(({ name }) => String(name))
    .filter((name) => ours.test(name));
}

/** What creates each index of a container, by its name. */
function indexesOf(definition: ContainerDefinition): Map<string, string> {
  const container = definition.id;
  const { compositeIndexes, includedPaths } = definition.indexingPolicy;
  const composites = compositeIndexes.map((index) =>
    indexText(
      container,
      "by",
      index.map(({ path, order }) => ({ field: path.slice(1), direction: order })),
    ),
  );
  const inComposite = new Set(compositeIndexes.flat().map(({ path }) => `${path}/?`));
  // What no composite index begins to serve: a factory's jobs, a claim's job, a job's events by number.
  const scalars = includedPaths
    .filter(({ path }) => !inComposite.has(path) && !path.includes("[]"))
    .map(({ path }) => path.slice(1, -"/?".length))
    .filter((field) => sqlProperty(container, field) === extract(field))
    .map((field) => indexText(container, "with", ascending([field, "id"]), isPresent(field)));
  const unique = definition.uniqueKeyPolicy.uniqueKeys.map(({ paths }) => {
    const fields = paths.map((path) => path.slice(1));
    return indexText(container, "unique", ascending(fields));
  });
  const everyPartition = EVERY_PARTITION.filter((index) => index.container === container).map((index) =>
    indexText(container, "all", ascending(index.fields), index.where),
  );
  const children = container === "fleet_jobs" ? CHILDREN : [];
  const all = [
    ...composites,
    ...scalars,
    ...unique,
    ...everyPartition,
    ...children.map((columns) => indexText(container, "with", columns, isPresent("parentId"))),
  ];
  return new Map(all.filter(([name]) => !NOT_HERE.has(name)));
}

interface IndexColumn {
  field: string;
  direction: "ascending" | "descending";
}

function ascending(fields: readonly string[]): IndexColumn[] {
  return fields.map((field) => ({ field, direction: "ascending" }));
}

function indexText(
  container: ContainerName,
  kind: "by" | "with" | "unique" | "all",
  columns: readonly IndexColumn[],
  where?: string,
): [name: string, create: string] {
  const name = [container, kind, ...columns.map(({ field }) => field)].join("_");
  const expressions = columns.map(
    ({ field, direction }) =>
      `${sqlProperty(container, field)} ${direction === "ascending" ? "ASC" : "DESC"}`,
  );
  const keys = kind === "all" ? expressions : ["pk", ...expressions];
  const create = kind === "unique" ? "CREATE UNIQUE INDEX" : "CREATE INDEX";
  const partly = where === undefined ? "" : ` WHERE ${where}`;
  return [name, `${create} IF NOT EXISTS ${name} ON ${container} (${keys.join(", ")})${partly}`];
}

function extract(field: string): string {
  return `json_extract(body, '$.${field}')`;
}
