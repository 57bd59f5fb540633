/** The `fleet_*` containers as code sees them; infra/containers.json is their one definition. */
import { z } from "zod";
import containersJson from "../../infra/containers.json" with { type: "json" };
import { artifact } from "./artifact.js";
import { eventDocument } from "./event.js";
import { factory } from "./factory.js";
import { job } from "./job.js";
import { lanes } from "./lane.js";
import { lease } from "./lease.js";
import { profile } from "./profile.js";
import { run } from "./run.js";
import { totals } from "./totals.js";

/** The schema of the documents in each container. */
export const documentSchemas = {
  fleet_jobs: job,
  fleet_runs: run,
  fleet_leases: lease,
  fleet_factories: factory,
  fleet_profiles: profile,
  fleet_events: eventDocument,
  fleet_artifacts: artifact,
  fleet_totals: totals,
  fleet_lanes: lanes,
};

export type ContainerName = keyof typeof documentSchemas;
export type Documents = { [C in ContainerName]: z.infer<(typeof documentSchemas)[C]> };

const path = z.string().regex(/^\//);

/** One container as Cosmos DB's resource provider takes it, so that Bicep can pass it on as it is. */
const containerDefinition = z.strictObject({
  id: z.enum(Object.keys(documentSchemas) as [ContainerName, ...ContainerName[]]),
  partitionKey: z.strictObject({ paths: z.tuple([path]), kind: z.literal("Hash"), version: z.literal(2) }),
  indexingPolicy: z.strictObject({
    indexingMode: z.literal("consistent"),
    automatic: z.literal(true),
    includedPaths: z.array(z.strictObject({ path })),
    excludedPaths: z.array(z.strictObject({ path })),
    compositeIndexes: z.array(
      z.array(z.strictObject({ path, order: z.enum(["ascending", "descending"]) })).min(2),
    ),
  }),
  uniqueKeyPolicy: z.strictObject({ uniqueKeys: z.array(z.strictObject({ paths: z.array(path).min(1) })) }),
  /** -1: no document goes by itself, but one may be given a time to live. Absent: none ever can. */
  defaultTtl: z.literal(-1).optional(),
});
export type ContainerDefinition = z.infer<typeof containerDefinition>;

/** All containers, in the order of the file. */
export const containers: readonly ContainerDefinition[] = z
  .array(containerDefinition)
  .length(Object.keys(documentSchemas).length)
  .parse(containersJson);

/** The partition that `doc` belongs to. */
export function partitionOf<C extends ContainerName>(container: C, doc: Documents[C]): string {
  const value = (doc as Record<string, unknown>)[partitionFields[container]];
  if (typeof value !== "string") throw new Error(`${container}: a document without its partition key`);
  return value;
}

/** The property that each container is partitioned by. */
export const partitionFields = Object.fromEntries(
  containers.map((c) => [c.id, c.partitionKey.paths[0].slice(1)]),
) as Record<ContainerName, string>;
