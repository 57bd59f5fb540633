/** A snapshot as the compiler writes it, small enough to read, with everything in it that is checked. */
import { ROLES } from "../../infra/check/expected.js";
import type { Resource } from "../../infra/check/provisioned.js";
import { containers } from "../../shared/schema/containers.js";

const GROUP = "/subscriptions/0/resourceGroups/rg-check/providers";
const HASH = "4h5ucixdpzt3y";
const ACCOUNT = `cosmos-fleet-${HASH}`;
const IDENTITY = "[reference(format('identity-{0}', uniqueString('identity'))).outputs.principalId.value]";

/** The settings of the app, as the template has them. */
export const SETTINGS: Readonly<Record<string, string>> = {
  AzureWebJobsStorage__blobServiceUri: "[reference('storage').outputs.hostBlobEndpoint.value]",
  AzureWebJobsStorage__credential: "managedidentity",
  AzureWebJobsStorage__clientId: "[reference('identity').outputs.clientId.value]",
  APPLICATIONINSIGHTS_CONNECTION_STRING: "[reference('monitoring').outputs.connectionString.value]",
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING:
    "[format('Authorization=AAD;ClientId={0}', reference('identity'))]",
  AZURE_CLIENT_ID: "[reference('identity').outputs.clientId.value]",
  DB_PROVIDER: "cosmos",
  COSMOS_ENDPOINT: "[reference('cosmos').outputs.endpoint.value]",
  COSMOS_DATABASE: "fleet",
  BLOB_ENDPOINT: "[reference('storage').outputs.artifactsBlobEndpoint.value]",
  FLEET_API_KEYS: "[parameters('apiKeys')]",
  ENTRA_TENANT_ID: "",
  ENTRA_AUDIENCE: "",
  ENTRA_AUTHORITY: "",
  FUNCTION_KEYS: "required",
  LEASE_SECONDS: "90",
  FACTORY_STALE_SECONDS: "120",
  CLOCK_SKEW_SECONDS_MAX: "2",
  RETENTION_DAYS: "0",
  REQUESTS_PER_CREDENTIAL_MAX: "100",
  QUEUED_JOBS_MAX: "0",
  REAPER_SCHEDULE: "*/30 * * * * *",
};

/** What main.bicep makes, with `changed` done to it: a template that somebody made a mistake in. */
export function aTemplate(
  changed: (resources: Resource[]) => unknown = () => undefined,
): readonly Resource[] {
  const resources = structuredClone([...stores(), ...app(), ...roles()]);
  changed(resources);
  return resources;
}

/** The properties of the one resource of this type whose name ends so. */
export function propertiesOf(resources: Resource[], type: string, nameEnd = ""): Record<string, unknown> {
  const found = resources.filter((each) => each.type === type && each.name.endsWith(nameEnd));
  const [one] = found;
  if (one?.properties === undefined || found.length > 1)
    throw new Error(`${found.length} of ${type} ${nameEnd}`);
  return one.properties;
}

function resource(type: string, name: string, properties: Record<string, unknown> = {}): Resource {
  const names = name.split("/");
  const path = type
    .split("/")
    .slice(1)
    .flatMap((part, place) => [part, names[place] ?? ""]);
  return { id: [GROUP, type.split("/")[0], ...path].join("/"), type, name, properties };
}

function stores(): Resource[] {
  const cosmos = "Microsoft.DocumentDB/databaseAccounts";
  const storage = {
    allowSharedKeyAccess: false,
    allowBlobPublicAccess: false,
    minimumTlsVersion: "TLS1_2",
    supportsHttpsTrafficOnly: true,
    publicNetworkAccess: "Enabled",
  };
  return [
    resource(cosmos, ACCOUNT, {
      disableLocalAuth: true,
      disableKeyBasedMetadataWriteAccess: true,
      consistencyPolicy: { defaultConsistencyLevel: "Strong" },
      enableMultipleWriteLocations: false,
      locations: [{ locationName: "swedencentral", failoverPriority: 0 }],
      publicNetworkAccess: "Enabled",
    }),
    resource(`${cosmos}/sqlDatabases`, `${ACCOUNT}/fleet`, { resource: { id: "fleet" } }),
    ...containers.map((definition) =>
      resource(`${cosmos}/sqlDatabases/containers`, `${ACCOUNT}/fleet/${definition.id}`, {
        resource: definition,
      }),
    ),
    resource("Microsoft.Storage/storageAccounts", `sthost${HASH}`, { ...storage }),
    resource("Microsoft.Storage/storageAccounts", `stfleet${HASH}`, { ...storage }),
    resource("Microsoft.Insights/components", `appi-fleet-${HASH}`, { DisableLocalAuth: true }),
    resource("Microsoft.OperationalInsights/workspaces", `log-fleet-${HASH}`, {
      features: { disableLocalAuth: true },
    }),
  ];
}

function app(): Resource[] {
  const name = `func-fleet-${HASH}`;
  const [node] = process.versions.node.split(".");
  return [
    resource("Microsoft.Web/sites", name, {
      httpsOnly: true,
      publicNetworkAccess: "Enabled",
      virtualNetworkSubnetId: null,
      functionAppConfig: { runtime: { name: "node", version: node } },
    }),
    resource("Microsoft.Web/sites/basicPublishingCredentialsPolicies", `${name}/ftp`, { allow: false }),
    resource("Microsoft.Web/sites/basicPublishingCredentialsPolicies", `${name}/scm`, { allow: false }),
    resource("Microsoft.Web/sites/config", `${name}/appsettings`, { ...SETTINGS }),
  ];
}

function roles(): Resource[] {
  return ROLES.map(({ role, scope }, index) => {
    const on = `${GROUP}/${scope.replace("*", HASH)}`;
    const properties = { principalId: IDENTITY, roleDefinitionId: `/providers/roleDefinitions/${role}` };
    if (scope.startsWith("Microsoft.DocumentDB/")) {
      const type = "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments";
      return resource(type, `${ACCOUNT}/${index}`, { ...properties, scope: on });
    }
    const type = "Microsoft.Authorization/roleAssignments";
    return { id: `${on}/providers/${type}/${index}`, type, name: String(index), properties };
  });
}
