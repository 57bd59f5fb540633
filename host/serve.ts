/** The process that serves the app until it is told to stop. Runs compiled, in dist/host: the app's root is two folders up. */
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

/**
 * Starts the app with these settings; resolves once it serves. SIGINT or SIGTERM then end the process,
 * after `afterStop`. Ends the process with 1 when the app doesn't start; why is on stderr.
 */
export async function serve(
  env: Record<string, string | undefined>,
  afterStop: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const host = await npmStart({
    env,
    load,
    hostJson: read("host.json"),
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
  // An app that failed halfway may hold the process open.
  if (host === undefined) process.exit(1);

  let stopped: Promise<void> | undefined;
  const stop = (): void => {
    // Ctrl-C comes twice under npm, from the terminal and from npm; stopping is once all the same.
    stopped ??= host
      .stop()
      .then(afterStop)
      .then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`The app did not stop cleanly: ${String(error)}\n`);
          process.exit(1);
        },
      );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
