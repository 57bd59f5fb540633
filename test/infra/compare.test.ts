/** The comparison behind `npm run infra:check`: each mistake in a template is told, by name. */
import { describe, expect, it } from "vitest";
import { everythingAsked } from "../../infra/check/asked.js";
import type { Asked } from "../../infra/check/asked.js";
import { problemsOf } from "../../infra/check/compare.js";
import { FILTERED_ONLY, NOT_IN_AZURE, PARTITION_KEYS, ROLES } from "../../infra/check/expected.js";
import { provisionedBy } from "../../infra/check/provisioned.js";
import type { Resource } from "../../infra/check/provisioned.js";
import { containers } from "../../shared/schema/containers.js";
import { blobs } from "../../shared/settings-blobs.js";
import { entra } from "../../shared/settings-entra.js";
import { common, cosmos } from "../../shared/settings.js";
import { SETTINGS, aTemplate, propertiesOf } from "./template.js";

const COSMOS = "Microsoft.DocumentDB/databaseAccounts";
const CONTAINERS = `${COSMOS}/sqlDatabases/containers`;
const STORAGE = "Microsoft.Storage/storageAccounts";
const SITE = "Microsoft.Web/sites";

const asked = await everythingAsked();
const problemsAfter = (changed?: (resources: Resource[]) => unknown): readonly string[] =>
  problemsOf(provisionedBy(aTemplate(changed)), asked);

type Definition = Record<string, unknown> & { indexingPolicy: Record<string, unknown[]> };
const containerIn = (resources: Resource[], id: string): Definition =>
  propertiesOf(resources, CONTAINERS, `/${id}`)["resource"] as Definition;
const settingsIn = (resources: Resource[]): Record<string, unknown> =>
  propertiesOf(resources, `${SITE}/config`, "/appsettings");
const without = (resources: Resource[], gone: (each: Resource) => boolean): void => {
  const kept = resources.filter((each) => !gone(each));
  resources.splice(0, resources.length, ...kept);
};

describe("a template that provisions what the code expects", () => {
  it("has no problem", () => {
    expect(problemsAfter()).toEqual([]);
  });
});

describe("the containers", () => {
  it.each(containers.map(({ id }) => id))("%s can't be left out", (id) => {
    const problems = problemsAfter((all) => {
      without(all, ({ name, type }) => type === CONTAINERS && name.endsWith(`/${id}`));
    });
    expect(problems).toEqual([`${id}: provisioned 0 times, must be once`]);
  });

  it.each(containers.map(({ id }) => id))("%s can't be given another partition key", (id) => {
    const other = PARTITION_KEYS[id] === "/jobId" ? "/productId" : "/jobId";
    const problems = problemsAfter((all) => {
      containerIn(all, id)["partitionKey"] = { paths: [other], kind: "Hash", version: 2 };
    });
    expect(problems).toContain(`${id}: partition key is ["${other}"], must be ["${PARTITION_KEYS[id]}"]`);
  });

  it("can't be joined by one that the code doesn't know", () => {
    const problems = problemsAfter((all) => {
      containerIn(all, "fleet_runs")["id"] = "fleet_notes";
    });
    expect(problems).toContain("fleet_notes: provisioned, and the code knows no such container");
  });

  it.each(["fleet_jobs", "fleet_factories", "fleet_profiles"])("%s can't be made to expire", (id) => {
    const problems = problemsAfter((all) => {
      containerIn(all, id)["defaultTtl"] = -1;
    });
    expect(problems).toEqual([`${id}: default time to live is -1, must be undefined`]);
  });

  it("can't lose the unique key that holds an idempotency key to one job", () => {
    const problems = problemsAfter((all) => {
      containerIn(all, "fleet_jobs")["uniqueKeyPolicy"] = { uniqueKeys: [] };
    });
    expect(problems).toEqual([`fleet_jobs: unique keys is [], must be [{"paths":["/idempotencyKey"]}]`]);
  });

  it("can't index everything, which each write would pay", () => {
    const problems = problemsAfter((all) => {
      containerIn(all, "fleet_jobs").indexingPolicy["excludedPaths"] = [];
    });
    expect(problems).toEqual([`fleet_jobs: excluded paths is [], must be [{"path":"/*"}]`]);
  });
});

describe("the indexes", () => {
  const wants = ({ orderBy }: Asked): boolean => orderBy.length > 1;

  it.each(asked.filter(wants).map(({ container, orderBy }) => ({ container, orderBy })))(
    "$container can't lose the composite index that a query sorts by",
    ({ container, orderBy }) => {
      const problems = problemsAfter((all) => {
        containerIn(all, container).indexingPolicy["compositeIndexes"] = [];
      });
      const order = orderBy.map(({ field, direction }) => `${field} ${direction}`).join(", ");
      expect(problems).toContain(`${container}: no index for the order ${order}`);
    },
  );

  it("can't turn a composite index round", () => {
    const problems = problemsAfter((all) => {
      containerIn(all, "fleet_jobs").indexingPolicy["compositeIndexes"]?.forEach((index) => {
        (index as unknown[]).reverse();
      });
    });
    expect(problems.join()).toContain("no index for the order stage ascending, priorityRank ascending");
  });

  it.each(
    asked.flatMap(({ container, where }) =>
      where
        .filter(({ field }) => FILTERED_ONLY[container]?.includes(field) !== true)
        .map(({ field }) => ({ container, field })),
    ),
  )("$container can't lose the index on $field, which a query filters by", ({ container, field }) => {
    const problems = problemsAfter((all) => {
      const policy = containerIn(all, container).indexingPolicy;
      const isOf = (path: unknown): boolean => (path as { path: string }).path.startsWith(`/${field}/`);
      policy["includedPaths"] = (policy["includedPaths"] ?? []).filter((path) => !isOf(path));
    });
    expect(problems).toContain(`${container}: no index for the condition on ${field}`);
  });

  it("are asked of the partition that the code passes, wherever it passes one", () => {
    for (const { container, partition } of asked) {
      if (partition !== undefined) expect(partition).toBe(PARTITION_KEYS[container]);
    }
  });
});

describe("the settings", () => {
  it.each(Object.keys(SETTINGS))("%s can't be left out", (name) => {
    const problems = problemsAfter((all) => Reflect.deleteProperty(settingsIn(all), name));
    expect(problems.filter((problem) => problem.startsWith(name))).not.toEqual([]);
  });

  it("that the code reads are all set, or excused with a reason", () => {
    const known = Object.keys({ ...common.shape, ...cosmos.shape, ...blobs.shape, ...entra.shape });
    for (const name of known) expect(name in SETTINGS || name in NOT_IN_AZURE).toBe(true);
    for (const excused of Object.keys(NOT_IN_AZURE)) expect(known).toContain(excused);
  });

  it("can't hold one that nobody reads", () => {
    const problems = problemsAfter((all) => (settingsIn(all)["LEASE_MINUTES"] = "2"));
    expect(problems).toEqual(["LEASE_MINUTES: it is set, and nobody reads it"]);
  });

  it("can't hold an emulator's key", () => {
    const problems = problemsAfter((all) => (settingsIn(all)["COSMOS_KEY"] = "ZHVtbXk="));
    expect(problems.join()).toContain("COSMOS_KEY: it must not be set");
  });

  it("are judged as the app judges them", () => {
    const problems = problemsAfter((all) => (settingsIn(all)["LEASE_SECONDS"] = "0"));
    expect(problems).toEqual(["LEASE_SECONDS must be a whole number from 1 to 3600"]);
  });

  it("can't hold the key hashes themselves", () => {
    const problems = problemsAfter((all) => (settingsIn(all)["FLEET_API_KEYS"] = "[{}]"));
    expect(problems.join()).toContain("FLEET_API_KEYS: it must be the secure parameter");
  });

  it("can't name another database than the one that is made", () => {
    const problems = problemsAfter((all) => (settingsIn(all)["COSMOS_DATABASE"] = "other"));
    expect(problems).toEqual(["COSMOS_DATABASE: it is other, and provisioned is fleet"]);
  });
});

describe("the roles", () => {
  const isRole = ({ type }: Resource): boolean => /roleAssignments$/i.test(type);

  it.each(ROLES)("$name can't be left out, for the coordinator $need", ({ name, role }) => {
    const problems = problemsAfter((all) => {
      without(all, (each) => isRole(each) && String(each.properties?.["roleDefinitionId"]).endsWith(role));
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${name} on `);
  });

  it("can't grow by one that nobody documented", () => {
    const problems = problemsAfter((all) => {
      const [one] = all.filter(({ type }) => type === "Microsoft.Authorization/roleAssignments");
      if (one !== undefined)
        all.push({ ...one, properties: { ...one.properties, roleDefinitionId: "/x/owner" } });
    });
    expect(problems.join()).toMatch(/^role owner on \S+: assigned, and not among the documented ones$/);
  });

  it("can't reach further than documented", () => {
    const problems = problemsAfter((all) => {
      const cosmosRole = propertiesOf(all, `${COSMOS}/sqlRoleAssignments`);
      cosmosRole["scope"] = String(cosmosRole["scope"]).replace("/dbs/fleet", "");
    });
    expect(problems).toHaveLength(2);
  });

  it("can't be given to anybody else", () => {
    const problems = problemsAfter((all) => {
      propertiesOf(all, `${COSMOS}/sqlRoleAssignments`)["principalId"] = "a-person";
    });
    expect(problems.join()).toContain("given to a-person, which is not the coordinator");
  });
});

describe("who may come in", () => {
  it.each([
    [COSMOS, "", "disableLocalAuth", false],
    [COSMOS, "", "disableKeyBasedMetadataWriteAccess", undefined],
    [COSMOS, "", "consistencyPolicy", { defaultConsistencyLevel: "Session" }],
    [COSMOS, "", "enableMultipleWriteLocations", true],
    [COSMOS, "", "locations", [{}, {}]],
    [STORAGE, "sthost4h5ucixdpzt3y", "allowSharedKeyAccess", true],
    [STORAGE, "stfleet4h5ucixdpzt3y", "allowSharedKeyAccess", undefined],
    [STORAGE, "stfleet4h5ucixdpzt3y", "allowBlobPublicAccess", true],
    ["Microsoft.Insights/components", "", "DisableLocalAuth", false],
    ["Microsoft.OperationalInsights/workspaces", "", "features", {}],
    [SITE, "", "httpsOnly", false],
    [`${SITE}/basicPublishingCredentialsPolicies`, "/scm", "allow", true],
  ])("%s %s can't have another %s", (type, nameEnd, property, value) => {
    const problems = problemsAfter((all) => (propertiesOf(all, type, nameEnd)[property] = value));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("must be");
  });

  it("must be said: a template without the policies has problems too", () => {
    const problems = problemsAfter((all) => {
      without(all, ({ type }) => type === `${SITE}/basicPublishingCredentialsPolicies`);
    });
    expect(problems.join()).toContain("basicPublishingCredentialsPolicies");
  });

  it("can't close a store without a private endpoint, nor with the app outside", () => {
    const problems = problemsAfter((all) => (propertiesOf(all, COSMOS)["publicNetworkAccess"] = "Disabled"));
    expect(problems).toEqual([
      "1 resources are closed, and 0 have a private endpoint",
      "stores are closed, and the app is not in their network",
    ]);
  });
});

describe("the runtime", () => {
  it("can't be another Node than the tests run on", () => {
    const problems = problemsAfter((all) => {
      propertiesOf(all, SITE)["functionAppConfig"] = { runtime: { name: "node", version: "18" } };
    });
    expect(problems.join()).toContain("the app runs on Node 18");
  });
});
