/**
 * `npm run sbom`, `npm run licences`, `npm run audit`: what the app runs with, as npm knows it. Ends with 1 where
 * a licence or a vulnerability needs a person, with 2 where npm was not answered.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { judgeAudit, licencesOf, runtimeOnly } from "./packages.js";
import type { Sbom } from "./packages.js";

const FILE = "sbom.json";
const root = fileURLToPath(new URL("../../", import.meta.url));

function npm(...args: string[]): string {
  const { stdout, error } = spawnSync("npm", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  return stdout;
}

function runtime(): Sbom {
  const { name } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { name: string };
  return runtimeOnly(JSON.parse(npm("sbom", "--sbom-format", "cyclonedx")) as Sbom, name);
}

const commands: Readonly<Record<string, () => number>> = {
  sbom: () => {
    const sbom = runtime();
    writeFileSync(`${root}${FILE}`, `${JSON.stringify(sbom, undefined, 2)}\n`);
    return tell(
      `${FILE}: CycloneDX ${sbom.specVersion}, ${sbom.components.length} packages that the app runs with`,
    );
  },
  licences: () => {
    const { byLicence, refused } = licencesOf(runtime());
    for (const [licence, packages] of byLicence)
      tell(`${licence} (${packages.length}): ${packages.join(" ")}`);
    return refused.length === 0 ? 0 : tell(`Not looked at yet: ${refused.join(", ")}`, 1);
  },
  audit: () => {
    const outcome = judgeAudit(npm("audit", "--json"));
    switch (outcome.kind) {
      case "clean":
        return tell("npm knows of no vulnerability in any package, those for development included.");
      case "vulnerable":
        return tell(`npm knows of vulnerabilities: ${outcome.counts}. See npm audit.`, 1);
      case "unanswered":
        return tell(`npm audit was not answered, so nothing is known: ${outcome.why}`, 2);
    }
  },
};

function tell(text: string, exitCode = 0): number {
  (exitCode === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  return exitCode;
}

const [name = ""] = process.argv.slice(2);
process.exitCode = commands[name]?.() ?? tell(`one of ${Object.keys(commands).join(", ")}`, 2);
