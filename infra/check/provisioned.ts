/** What a deployment would make, read from the compiler's snapshot of it: every loop and condition resolved. */
import { z } from "zod";
import type { Role } from "./expected.js";

const resource = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
export type Resource = z.infer<typeof resource>;

const snapshot = z.object({ predictedResources: z.array(resource) });

/** A container as the template has it. */
const container = z.object({
  id: z.string(),
  partitionKey: z.object({ paths: z.array(z.string()), kind: z.string(), version: z.number() }),
  indexingPolicy: z.object({
    includedPaths: z.array(z.object({ path: z.string() })),
    excludedPaths: z.array(z.object({ path: z.string() })),
    compositeIndexes: z
      .array(z.array(z.object({ path: z.string(), order: z.enum(["ascending", "descending"]) })))
      .default([]),
  }),
  uniqueKeyPolicy: z.object({ uniqueKeys: z.array(z.object({ paths: z.array(z.string()) })) }).optional(),
  defaultTtl: z.number().optional(),
});
export type ProvisionedContainer = z.infer<typeof container>;

/** Flags that say who may come in and how; undefined where the template says nothing. */
export type Authentication = Readonly<Record<string, unknown>>;

export interface Provisioned {
  readonly containers: readonly ProvisionedContainer[];
  /** The database's name. */
  readonly databases: readonly string[];
  /** The app's settings; a value that only the deployment knows is an expression in brackets. */
  readonly settings: Readonly<Record<string, string>>;
  readonly roles: readonly (Role & { readonly principal: string })[];
  readonly authentication: Authentication;
  /** Resources that are closed to the internet, and private endpoints that names resolve to. */
  readonly network: { readonly closed: number; readonly endpoints: number; readonly appIsInside: boolean };
  /** The Node that the app runs on. */
  readonly node: string | undefined;
}

const COSMOS = "Microsoft.DocumentDB/databaseAccounts";
const STORAGE = "Microsoft.Storage/storageAccounts";
const SITE = "Microsoft.Web/sites";

/** The resources in the text that `bicep snapshot` writes; throws when it is something else. */
export function readSnapshot(text: string): readonly Resource[] {
  return snapshot.parse(JSON.parse(text)).predictedResources;
}

export function provisionedBy(resources: readonly Resource[]): Provisioned {
  const ofType = (type: string): Resource[] => resources.filter((each) => each.type === type);
  const [site] = ofType(SITE);
  const stores = [...ofType(COSMOS), ...ofType(STORAGE), ...ofType(SITE)];
  return {
    containers: ofType(`${COSMOS}/sqlDatabases/containers`).map((each) =>
      container.parse(at(each, "resource")),
    ),
    databases: ofType(`${COSMOS}/sqlDatabases`).map(({ name }) => name.split("/").at(-1) ?? ""),
    settings: z.record(z.string(), z.string()).parse(
      Object.assign(
        {},
        ...ofType(`${SITE}/config`)
          .filter(({ name }) => name.endsWith("/appsettings"))
          .map(({ properties }) => properties),
      ),
    ),
    roles: rolesIn(resources),
    authentication: authenticationIn(resources),
    network: {
      closed: stores.filter((store) => at(store, "publicNetworkAccess") === "Disabled").length,
      endpoints: ofType("Microsoft.Network/privateEndpoints/privateDnsZoneGroups").length,
      appIsInside: site !== undefined && typeof at(site, "virtualNetworkSubnetId") === "string",
    },
    node: z
      .string()
      .optional()
      .parse(at(site, "functionAppConfig", "runtime", "version")),
  };
}

function authenticationIn(resources: readonly Resource[]): Authentication {
  const flags: Record<string, unknown> = {};
  const note = (type: string, ...paths: (readonly string[])[]): void => {
    for (const each of resources.filter((one) => one.type === type)) {
      for (const path of paths) flags[`${type}/${hashless(each.name)}.${path.join(".")}`] = at(each, ...path);
    }
  };
  note(COSMOS, ["disableLocalAuth"], ["disableKeyBasedMetadataWriteAccess"]);
  note(COSMOS, ["consistencyPolicy", "defaultConsistencyLevel"], ["enableMultipleWriteLocations"]);
  note(COSMOS, ["locations", "length"]);
  note(STORAGE, ["allowSharedKeyAccess"], ["allowBlobPublicAccess"], ["minimumTlsVersion"]);
  note(STORAGE, ["supportsHttpsTrafficOnly"]);
  note("Microsoft.Insights/components", ["DisableLocalAuth"]);
  note("Microsoft.OperationalInsights/workspaces", ["features", "disableLocalAuth"]);
  note(SITE, ["httpsOnly"]);
  note(`${SITE}/basicPublishingCredentialsPolicies`, ["allow"]);
  return flags;
}

function rolesIn(resources: readonly Resource[]): Provisioned["roles"] {
  const isRole = ({ type }: Resource): boolean => /\/(?:sqlR|r)oleAssignments$/.test(type);
  return resources.filter(isRole).map((each) => {
    // A role of Cosmos DB says its scope; that of any other is what it hangs on.
    const says = at(each, "scope");
    const scope =
      typeof says === "string" ? says : each.id.replace(/\/providers\/[^/]+\/roleAssignments\/.*$/, "");
    const role = at(each, "roleDefinitionId");
    return {
      role: typeof role === "string" ? (role.split("/").at(-1) ?? "") : "",
      scope: hashless(scope.replace(/^.*?\/providers\//, "")),
      principal: String(at(each, "principalId")),
    };
  });
}

/** Names end in 13 characters of a hash, which is another one in each subscription. */
function hashless(name: string): string {
  return name.replaceAll(/(?<=fleet-?|sthost)[a-z0-9]{13}(?=$|\/)/g, "*");
}

/** What stands at this place among the properties, or undefined. */
function at(found: Resource | undefined, ...path: readonly string[]): unknown {
  let value: unknown = found?.properties;
  for (const step of path) value = (value as Record<string, unknown> | null | undefined)?.[step];
  return value;
}
