/**
 * Before the route tests run on the package: dist-package is copied to where no node_modules is near, so
 * that what it lacks is missed. The project's name says which Node serves it.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

/** The package as the route tests are to start it. */
export interface PackageUnderTest {
  /** The folder, a copy of dist-package. */
  readonly folder: string;
  /** The binary that runs it, and its major version. */
  readonly node: string;
  readonly nodeMajor: number;
}

declare module "vitest" {
  interface ProvidedContext {
    /** Not provided where the tests run on the sources. */
    packageUnderTest?: PackageUnderTest;
  }
}

/** The binaries of the npm packages `node`: no other Node has to be there. */
const NODES: Readonly<Record<string, { readonly package: string; readonly nodeMajor: number }>> = {
  "package-node22": { package: "node22", nodeMajor: 22 },
  "package-node24": { package: "node", nodeMajor: 24 },
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { package: npmPackage, nodeMajor } = NODES[project.name] ?? {};
  if (npmPackage === undefined || nodeMajor === undefined) throw new Error(`no Node for ${project.name}`);
  const folder = await mkdtemp(join(tmpdir(), "fleet-package-"));
  const root = new URL("../../", import.meta.url);
  await cp(new URL("dist-package/", root), folder, { recursive: true });
  const node = fileURLToPath(new URL(`node_modules/${npmPackage}/bin/node`, root));
  project.provide("packageUnderTest", { folder, node, nodeMajor });
  return () => rm(folder, { recursive: true, force: true });
}
