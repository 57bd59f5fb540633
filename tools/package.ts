/** `npm run package`: makes dist-package/, and prints what is in it. Runs compiled, as dist/tools/package.js. */
import { fileURLToPath } from "node:url";
import { makeDeployable } from "./deployable.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { files, eagerFiles, eagerPackages } = await makeDeployable(root, `${root}dist-package`);

const kb = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KB`.padStart(8);
const rows = [...files].map(
  ([file, bytes]) =>
    `  ${kb(bytes)}  ${file}${eagerFiles.includes(file) ? "" : "  (loaded when it is needed)"}`,
);
process.stdout.write(
  `dist-package/\n${rows.join("\n")}\nLoaded before the first request: ${eagerPackages.join(", ")}\n`,
);
