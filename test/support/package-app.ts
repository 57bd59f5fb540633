/** The package, served by a process of the Node version under test; to route tests it looks like the sources in theirs. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LocalHost } from "../../host/start-host.js";
import type { RunOutcome } from "../../host/timers.js";
import type { PackageUnderTest } from "./package-setup.js";

const PROCESS = fileURLToPath(new URL("package-process.ts", import.meta.url));

type Command =
  /** Answered when all that was logged before has been told. */
  | { readonly what: "flush" }
  | { readonly what: "advance"; readonly offsetMs: number }
  | { readonly what: "run"; readonly name: string }
  | { readonly what: "stop" };
export type ToProcess = Command & { readonly id: number };
export type FromProcess =
  | { readonly kind: "logged"; readonly line: string }
  | {
      readonly kind: "serving";
      readonly url: string;
      readonly functions: LocalHost["functions"];
      readonly nodeVersion: string;
    }
  | { readonly kind: "done"; readonly id: number; readonly value?: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly why: string };

/** Starts it with these settings and no others. Rejects when it doesn't load, and when another Node serves it. */
export async function startPackageApp(
  { folder, node, nodeMajor }: PackageUnderTest,
  settings: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
) {
  const { main } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { main: string };
  const child = fork(PROCESS, [pathToFileURL(join(folder, main)).href], {
    execPath: node,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: { PATH: process.env["PATH"], ...settings },
    cwd: folder,
  });
  const { serving, ask, ended } = conversationWith(child, log);
  const { url, functions, nodeVersion } = await serving;
  if (!nodeVersion.startsWith(`v${nodeMajor}.`)) throw new Error(`Node ${nodeVersion} serves the package`);
  return {
    url,
    functions,
    nodeVersion,
    runFunction: async (name: string) => (await ask({ what: "run", name })) as RunOutcome,
    setClock: (offsetMs: number): void => {
      // What is told first is done first: `settled` waits for it.
      void ask({ what: "advance", offsetMs });
    },
    settled: () => ask({ what: "flush" }),
    stop: async () => {
      if (child.connected) await ask({ what: "stop" });
      await ended;
    },
  };
}

function conversationWith(child: ChildProcess, log: (line: string) => void) {
  type Serving = Extract<FromProcess, { kind: "serving" }>;
  const started = Promise.withResolvers<Serving>();
  const exit = Promise.withResolvers<undefined>();
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  let ids = 0;
  child.on("message", (message: FromProcess) => {
    switch (message.kind) {
      case "logged":
        log(message.line);
        break;
      case "serving":
        started.resolve(message);
        break;
      case "done":
        asked.get(message.id)?.resolve(message.value);
        break;
      case "failed":
        asked.get(message.id)?.reject(new Error(message.why));
        break;
    }
  });
  child.once("exit", (code) => {
    const gone = new Error(`the process that served the package ended with ${String(code)}`);
    started.reject(gone);
    for (const waiting of asked.values()) waiting.reject(gone);
    exit.resolve(undefined);
  });
  const ask = (command: Command): Promise<unknown> => {
    const waiting = Promise.withResolvers<unknown>();
    asked.set(++ids, waiting);
    child.send({ ...command, id: ids } satisfies ToProcess);
    return waiting.promise;
  };
  return { serving: started.promise, ask, ended: exit.promise };
}
