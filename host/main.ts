/** `npm start`. Runs compiled, as dist/host/main.js: the app's root is two folders up. */
import { readFileSync } from "node:fs";
import { npmStart } from "./npm-start.js";

const root = new URL("../../", import.meta.url);

function read(file: string): string {
  return readFileSync(new URL(file, root), "utf8");
}

async function load(): Promise<unknown> {
  const { main } = JSON.parse(read("package.json")) as { main: string };
  return import(new URL(main, root).href);
}

const host = await npmStart({
  env: process.env,
  load,
  hostJson: read("host.json"),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});

// An app that failed halfway may hold the process open.
if (host === undefined) process.exit(1);

const stop = (): void => {
  host.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`The app did not stop cleanly: ${String(error)}\n`);
      process.exit(1);
    },
  );
};
// Ctrl-C comes twice under npm, from the terminal and from npm; stopping is once all the same.
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
