/** azd can't run here. What can be checked is that azure.yaml and what it points at agree. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const yaml = readFileSync("azure.yaml", "utf8");
const valueOf = (name: string): string | undefined => new RegExp(`^ +${name}: (\\S+)$`, "m").exec(yaml)?.[1];

describe("azure.yaml", () => {
  it("names the templates", () => {
    expect(existsSync(`${valueOf("path") ?? ""}/${valueOf("module") ?? ""}.bicep`)).toBe(true);
    expect(existsSync(`${valueOf("path") ?? ""}/${valueOf("module") ?? ""}.bicepparam`)).toBe(true);
  });

  it("deploys to the app that the template tags", () => {
    const [, service = ""] = /^services:\n(?: +#.*\n)* {2}(\w+):$/m.exec(yaml) ?? [];
    const template = readFileSync("infra/modules/function-app.bicep", "utf8");
    expect(template).toContain(`'azd-service-name': '${service}'`);
  });

  it("builds nothing in the cloud, which azd refuses when .funcignore leaves node_modules at home", () => {
    expect(valueOf("remoteBuild")).toBe("false");
    expect(readFileSync(".funcignore", "utf8")).not.toMatch(/^\/?node_modules/m);
  });
});

describe("main.bicepparam", () => {
  it("takes from azd what azd and the README call it", () => {
    const given = readFileSync("infra/main.bicepparam", "utf8");
    const names = [...given.matchAll(/readEnvironmentVariable\('(\w+)'/g)].map(([, name]) => name);
    expect(names).toEqual([
      "AZURE_ENV_NAME",
      "AZURE_LOCATION",
      "FLEET_API_KEYS",
      "ENTRA_TENANT_ID",
      "ENTRA_AUDIENCE",
    ]);
    const readme = readFileSync("README.md", "utf8");
    for (const name of names) expect(readme).toContain(name);
  });
});
