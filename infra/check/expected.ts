/** What the templates must provision, where the code itself can't be asked; docs/operations.md tells it to people. */
import type { ContainerName } from "../../shared/schema/containers.js";
import { ARTIFACTS_CONTAINER } from "../../shared/store/blob-names.js";

/**
 * What the code passes as a container's partition. containers.json can't say it alone: it is the file
 * that a mistake would be made in, and both Bicep and the code would follow it.
 */
export const PARTITION_KEYS: Readonly<Record<ContainerName, "/productId" | "/jobId">> = {
  fleet_jobs: "/productId",
  fleet_factories: "/productId",
  fleet_profiles: "/productId",
  fleet_totals: "/productId",
  fleet_lanes: "/productId",
  fleet_runs: "/jobId",
  fleet_leases: "/jobId",
  fleet_events: "/jobId",
  fleet_artifacts: "/jobId",
};

/** Containers whose documents retention may let expire. A job, a factory, a profile never goes by itself. */
export const MAY_EXPIRE: readonly ContainerName[] = [
  "fleet_runs",
  "fleet_leases",
  "fleet_events",
  "fleet_artifacts",
];

/** Filtered within what other conditions left over, so that an index would cost each write and save little. */
export const FILTERED_ONLY: Readonly<Partial<Record<ContainerName, readonly string[]>>> = {
  fleet_jobs: ["capabilities", "engineClass", "depsMode"],
};

/** Settings that nobody but the platform or its libraries reads, each with who does. */
export const PLATFORM_SETTINGS: Readonly<Record<string, string>> = {
  AzureWebJobsStorage__blobServiceUri: "the Functions host: where the timer's lock and function keys are",
  AzureWebJobsStorage__credential: "the Functions host: sign in with an identity",
  AzureWebJobsStorage__clientId: "the Functions host: with this one",
  APPLICATIONINSIGHTS_CONNECTION_STRING: "the Functions host: where logs go",
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: "the Functions host: sign in there with the identity",
  AZURE_CLIENT_ID: "@azure/identity: which of the app's identities to use; there is no system-assigned one",
};

/** Settings that the code reads and Azure has no use for, each with the reason. */
export const NOT_IN_AZURE: Readonly<Record<string, string>> = {
  AzureWebJobsStorage: "the host reaches its account with an identity, by the settings that begin so",
  COSMOS_KEY: "it is for an emulator; the account takes no key",
  PORT: "npm start listens there",
  FLEET_DIR: "npm start keeps its data there",
};

/** One role assignment. `scope` is the resource within its group, `*` for the part made of a hash. */
export interface Role {
  readonly role: string;
  readonly scope: string;
}

/** Every role that the coordinator's identity has, and nothing else has one. */
export const ROLES: readonly (Role & { readonly name: string; readonly need: string })[] = [
  {
    name: "Cosmos DB Built-in Data Contributor",
    role: "00000000-0000-0000-0000-000000000002",
    scope: "Microsoft.DocumentDB/databaseAccounts/cosmos-fleet-*/dbs/fleet",
    need: "reads and writes documents of the one database",
  },
  {
    name: "Storage Blob Data Owner",
    role: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    scope: "Microsoft.Storage/storageAccounts/sthost*",
    need: "the Functions host's own account: the timer's lock, function keys, the deployed package",
  },
  {
    name: "Storage Blob Data Contributor",
    role: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    scope: `Microsoft.Storage/storageAccounts/stfleet*/blobServices/default/containers/${ARTIFACTS_CONTAINER}`,
    need: "reads and writes artifacts, in this container alone",
  },
  {
    name: "Storage Blob Delegator",
    role: "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    scope: "Microsoft.Storage/storageAccounts/stfleet*",
    need: "signs upload and download URLs; the key to sign with is given at the account only",
  },
  {
    name: "Monitoring Metrics Publisher",
    role: "3913510d-42f4-4e42-8a64-420c390055eb",
    scope: "Microsoft.Insights/components/appi-fleet-*",
    need: "sends logs and metrics",
  },
];
