import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { judgeAudit, licencesOf, runtimeOnly } from "../../tools/packages.js";
import type { Component, Sbom } from "../../tools/packages.js";

const component = (name: string, licence?: string, development = false): Component => ({
  name,
  version: "1.0.0",
  "bom-ref": `${name}@1.0.0`,
  ...(licence === undefined ? {} : { licenses: [{ license: { id: licence } }] }),
  ...(development ? { properties: [{ name: "cdx:npm:package:development", value: "true" }] } : {}),
});

describe("the list of what the app runs with", () => {
  const whole: Sbom = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    metadata: { component: component("some-folder") },
    components: [component("runs", "MIT"), component("shared", "MIT"), component("tests", "MIT", true)],
    dependencies: [
      { ref: "some-folder@1.0.0", dependsOn: ["runs@1.0.0", "tests@1.0.0"] },
      { ref: "runs@1.0.0", dependsOn: ["shared@1.0.0"] },
      { ref: "tests@1.0.0", dependsOn: ["shared@1.0.0"] },
      { ref: "shared@1.0.0" },
    ],
  };

  it("has what it needs, and of development nothing, but for what both need", () => {
    const sbom = runtimeOnly(whole, "fleet");
    expect(sbom.components.map(({ name }) => name)).toEqual(["runs", "shared"]);
    expect(sbom.metadata.component.name).toBe("fleet");
    expect(sbom.dependencies).toEqual([
      { ref: "some-folder@1.0.0", dependsOn: ["runs@1.0.0"] },
      { ref: "runs@1.0.0", dependsOn: ["shared@1.0.0"] },
      { ref: "shared@1.0.0", dependsOn: [] },
    ]);
  });
});

/** Packages of the lockfile that are installed without development's. */
interface Locked {
  readonly name?: string;
  readonly version: string;
  readonly license?: string;
  readonly dev?: true;
}
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  packages: Record<string, Locked>;
};

describe("licences", () => {
  it("of every package that the app runs with were looked at", () => {
    const locked = Object.entries(packages).filter(([path, { dev }]) => path !== "" && dev !== true);
    const components = locked.map(([path, { version, license }]) => ({
      ...component(path.replace(/.*node_modules\//, ""), license),
      version,
    }));
    expect(components.length).toBeGreaterThan(150);
    expect(licencesOf({ components }).refused).toEqual([]);
  });

  it("that nobody looked at are told, package by package", () => {
    const components = [component("a", "MIT"), component("b", "AGPL-3.0"), component("c")];
    expect(licencesOf({ components }).refused).toEqual(["b@1.0.0: AGPL-3.0", "c@1.0.0: none"]);
  });
});

describe("an audit", () => {
  const report = (vulnerabilities: object) =>
    JSON.stringify({ auditReportVersion: 2, vulnerabilities: {}, metadata: { vulnerabilities } });

  it("is clean only when the registry says so", () => {
    expect(judgeAudit(report({ info: 0, low: 0, high: 0, total: 0 }))).toEqual({ kind: "clean" });
    expect(judgeAudit(report({ low: 2, high: 1, total: 3 }))).toEqual({
      kind: "vulnerable",
      counts: "2 low, 1 high",
    });
  });

  it.each([
    [JSON.stringify({ message: "405 Method Not Allowed", statusCode: 405 }), "405 Method Not Allowed"],
    ["", "npm gave no report"],
    ["null", "npm gave no report"],
    ["{}", "npm gave no report"],
    ["<html>", "npm gave no report"],
    [JSON.stringify({ metadata: { vulnerabilities: { total: 0 } } }), "npm gave no report"],
  ])("that is no report says nothing: %s", (printed, why) => {
    expect(judgeAudit(printed)).toEqual({ kind: "unanswered", why });
  });
});
