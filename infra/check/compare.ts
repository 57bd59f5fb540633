/** What is wrong with what a deployment would make. Pure: it is given both sides, and returns sentences. */
import { isDeepStrictEqual } from "node:util";
import { containers } from "../../shared/schema/containers.js";
import type { ContainerDefinition } from "../../shared/schema/containers.js";
import { common, cosmos, readSettings } from "../../shared/settings.js";
import { blobs } from "../../shared/settings-blobs.js";
import { entra } from "../../shared/settings-entra.js";
import { orderIsIndexed } from "../../shared/store/query-rules.js";
import type { Asked } from "./asked.js";
import {
  FILTERED_ONLY,
  MAY_EXPIRE,
  NOT_IN_AZURE,
  PARTITION_KEYS,
  PLATFORM_SETTINGS,
  ROLES,
} from "./expected.js";
import type { Provisioned, ProvisionedContainer } from "./provisioned.js";

/** What each flag must be; a star stands for any name. */
const MUST_BE: readonly (readonly [flag: RegExp, value: unknown])[] = [
  [/\.disableLocalAuth$/i, true],
  [/\.disableKeyBasedMetadataWriteAccess$/, true],
  [/\.defaultConsistencyLevel$/, "Strong"],
  [/\.enableMultipleWriteLocations$/, false],
  [/\.locations\.length$/, 1],
  [/\.allowSharedKeyAccess$/, false],
  [/\.allowBlobPublicAccess$/, false],
  [/\.minimumTlsVersion$/, "TLS1_2"],
  [/\.supportsHttpsTrafficOnly$/, true],
  [/\.httpsOnly$/, true],
  [/\/basicPublishingCredentialsPolicies\/.*\.allow$/, false],
];

/** Every problem there is, each as one sentence; none when the template and the code agree. */
export function problemsOf(provisioned: Provisioned, asked: readonly Asked[]): readonly string[] {
  return [
    ...containers.flatMap((wanted) => containerProblems(wanted, provisioned.containers)),
    ...provisioned.containers
      .filter(({ id }) => !containers.some((wanted) => wanted.id === id))
      .map(({ id }) => `${id}: provisioned, and the code knows no such container`),
    ...asked.flatMap((query) => indexProblems(query, provisioned.containers)),
    ...settingProblems(provisioned),
    ...roleProblems(provisioned),
    ...authenticationProblems(provisioned),
    ...networkProblems(provisioned),
    ...nodeProblems(provisioned),
  ];
}

function containerProblems(
  wanted: ContainerDefinition,
  provisioned: readonly ProvisionedContainer[],
): readonly string[] {
  const { id } = wanted;
  const found = provisioned.filter((each) => each.id === id);
  const [one] = found;
  if (one === undefined || found.length > 1)
    return [`${id}: provisioned ${found.length} times, must be once`];
  const problems: string[] = [];
  const hold = (what: string, is: unknown, mustBe: unknown): void => {
    if (isDeepStrictEqual(is, mustBe)) return;
    problems.push(`${id}: ${what} is ${JSON.stringify(is)}, must be ${JSON.stringify(mustBe)}`);
  };
  hold("partition key", one.partitionKey.paths, [PARTITION_KEYS[id]]);
  hold("partition key", one.partitionKey, wanted.partitionKey);
  hold("index", sorted(one.indexingPolicy.includedPaths), sorted(wanted.indexingPolicy.includedPaths));
  hold("excluded paths", one.indexingPolicy.excludedPaths, [{ path: "/*" }]);
  hold("composite indexes", one.indexingPolicy.compositeIndexes, wanted.indexingPolicy.compositeIndexes);
  hold("unique keys", one.uniqueKeyPolicy?.uniqueKeys ?? [], wanted.uniqueKeyPolicy.uniqueKeys);
  hold("default time to live", one.defaultTtl, MAY_EXPIRE.includes(id) ? -1 : undefined);
  return problems;
}

const sorted = (paths: readonly { readonly path: string }[]): string[] =>
  paths.map(({ path }) => path).sort();

/** What Cosmos DB would refuse, or answer by reading every document, for want of an index. */
function indexProblems(asked: Asked, provisioned: readonly ProvisionedContainer[]): readonly string[] {
  const { container: id, where, orderBy, partition } = asked;
  const found = provisioned.find((each) => each.id === id);
  if (found === undefined) return [];
  const problems: string[] = [];
  const key = found.partitionKey.paths.join();
  if (partition !== undefined && partition !== key) {
    problems.push(`${id}: partitioned by ${key}, and the code asks one ${partition}`);
  }
  if (orderBy.length > 0 && !orderIsIndexed(found.indexingPolicy, orderBy)) {
    const order = orderBy.map(({ field, direction }) => `${field} ${direction}`).join(", ");
    problems.push(`${id}: no index for the order ${order}`);
  }
  for (const { field, is } of where) {
    const path = is === "contains" ? `/${field}/[]/?` : `/${field}/?`;
    const indexed = found.indexingPolicy.includedPaths.some((included) => included.path === path);
    if (indexed || FILTERED_ONLY[id]?.includes(field) === true) continue;
    problems.push(`${id}: no index for the condition on ${field}`);
  }
  return problems;
}

/** Values that only a deployment knows, as they may be. */
const FOR_INSTANCE: Readonly<Record<string, string>> = {
  APPLICATIONINSIGHTS_CONNECTION_STRING:
    "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://swedencentral-0.in.applicationinsights.azure.com/",
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING:
    "Authorization=AAD;ClientId=00000000-0000-0000-0000-000000000000",
  BLOB_ENDPOINT: "https://stfleet0000000000000.blob.core.windows.net/",
  ENTRA_AUTHORITY: "https://login.microsoftonline.com/",
  COSMOS_ENDPOINT: "https://cosmos-fleet-0000000000000.documents.azure.com:443/",
  FLEET_API_KEYS: JSON.stringify([{ name: "ci", sha256: "0".repeat(64), products: ["*"], roles: ["read"] }]),
};

function settingProblems({ settings, databases }: Provisioned): readonly string[] {
  const known = { ...common.shape, ...cosmos.shape, ...blobs.shape, ...entra.shape };
  const problems: string[] = [];
  for (const name of Object.keys(known)) {
    if (name in settings || name in NOT_IN_AZURE) continue;
    problems.push(`${name}: the code reads it, and the app's settings don't have it`);
  }
  for (const name of Object.keys(settings)) {
    if (name in PLATFORM_SETTINGS) continue;
    if (!(name in known)) problems.push(`${name}: it is set, and nobody reads it`);
    if (name in NOT_IN_AZURE) problems.push(`${name}: it must not be set: ${NOT_IN_AZURE[name] ?? ""}`);
  }
  for (const [name, reader] of Object.entries(PLATFORM_SETTINGS)) {
    if (!(name in settings)) problems.push(`${name}: it is not set; for ${reader}`);
  }
  // What the app itself would say of them. A value that only the deployment knows stands in brackets.
  const values = Object.entries(settings).map(([name, value]) => [
    name,
    value.startsWith("[") ? (FOR_INSTANCE[name] ?? value) : value,
  ]);
  const read = readSettings(Object.fromEntries(values) as Record<string, string>);
  if (read.kind === "wrong") problems.push(...read.problems.map(({ name, message }) => `${name} ${message}`));
  if (settings["FLEET_API_KEYS"] !== "[parameters('apiKeys')]") {
    problems.push("FLEET_API_KEYS: it must be the secure parameter, and nothing that a template could hold");
  }
  const database = settings["COSMOS_DATABASE"];
  if (databases.length !== 1 || databases[0] !== database) {
    problems.push(`COSMOS_DATABASE: it is ${database ?? "not set"}, and provisioned is ${databases.join()}`);
  }
  return problems;
}

function roleProblems({ roles }: Provisioned): readonly string[] {
  const same = (a: { role: string; scope: string }, b: { role: string; scope: string }): boolean =>
    a.role === b.role && a.scope === b.scope;
  const isOurs = (principal: string): boolean => /'identity-\{0\}'.*outputs\.principalId/.test(principal);
  return [
    ...ROLES.filter((wanted) => !roles.some((given) => same(given, wanted))).map(
      ({ name, scope, need }) => `${name} on ${scope}: not assigned; the coordinator ${need}`,
    ),
    ...roles
      .filter((given) => !ROLES.some((wanted) => same(given, wanted)))
      .map(({ role, scope }) => `role ${role} on ${scope}: assigned, and not among the documented ones`),
    ...roles
      .filter(({ principal }) => !isOurs(principal))
      .map(({ role, principal }) => `role ${role}: given to ${principal}, which is not the coordinator`),
  ];
}

function authenticationProblems({ authentication }: Provisioned): readonly string[] {
  const flags = Object.entries(authentication);
  return [
    ...flags.flatMap(([flag, is]) => {
      const [, mustBe] = MUST_BE.find(([pattern]) => pattern.test(flag)) ?? [];
      return is === mustBe ? [] : [`${flag} is ${String(is)}, must be ${String(mustBe)}`];
    }),
    ...MUST_BE.filter(([pattern]) => !flags.some(([flag]) => pattern.test(flag))).map(
      ([pattern]) => `nothing says ${pattern.source}`,
    ),
  ];
}

function networkProblems({ network: { closed, endpoints, appIsInside } }: Provisioned): readonly string[] {
  return [
    // The artifacts have an endpoint while they are still open to factories outside.
    ...(closed > endpoints
      ? [`${closed} resources are closed, and ${endpoints} have a private endpoint`]
      : []),
    ...(closed > 0 && !appIsInside ? ["stores are closed, and the app is not in their network"] : []),
  ];
}

function nodeProblems({ node }: Provisioned): readonly string[] {
  const [tested] = process.versions.node.split(".");
  return node === tested
    ? []
    : [`the app runs on Node ${node ?? "?"}, and is tested on Node ${tested ?? "?"}`];
}
