/** The folder that is deployed: it starts from itself alone, without node_modules and without an install. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle, type Bundle } from "./bundle.js";

/**
 * What local tools leave in the folder, and no instance needs. Not node_modules: azd then refuses to publish
 * what is built already.
 */
const LEFT_AT_HOME = ["local.settings.json", ".fleet/", ".vscode/"];

/**
 * Makes `folder` anew from the sources in `root`: the bundle, host.json, a package.json that names the
 * entry, and .funcignore. The adapter of SQLite is in it: it takes 10 KB that only DB_PROVIDER
 * `sqlite` or `memory` ever reads, and with it the package runs everywhere that the sources do.
 */
export async function makeDeployable(root: string, folder: string): Promise<Bundle> {
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license: string;
    engines: Record<string, string>;
  };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const made = await bundle(root, folder);
  const { name, version, license, engines } = manifest;
  // No dependencies, no scripts: whoever runs `npm install` or a remote build on it changes nothing.
  const deployed = { name, version, license, private: true, type: "module", main: made.entry, engines };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(deployed, undefined, 2)}\n`);
  await writeFile(join(folder, "host.json"), await readFile(join(root, "host.json")));
  await writeFile(join(folder, ".funcignore"), `${LEFT_AT_HOME.join("\n")}\n`);
  return made;
}
