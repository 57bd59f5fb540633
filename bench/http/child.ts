/** The host under load, in a process of its own. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Asked, Told } from "../http-host.js";

export const KEY = "the-key-of-a-bench";
const HOST = fileURLToPath(new URL("../http-host.js", import.meta.url));
const COMPLAINTS_MAX = 20;

export type Memory = Extract<Told, { kind: "memory" }> & { readonly atMs: number };
export type Loop = Extract<Told, { kind: "loop" }>;

export interface Host {
  readonly url: string;
  /** Every sample so far; `atMs` as performance.now() has it. */
  readonly memory: readonly Memory[];
  /** The first lines of what it logged as wrong. */
  readonly complaints: readonly string[];
  begin(): void;
  loop(): Promise<Loop>;
  /** Undefined while it runs. */
  ended(): string | undefined;
  /** Resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts it on data in `folder`, with these settings on top. Rejects when it ends before it serves. */
export async function startHostProcess(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Host> {
  const sha256 = createHash("sha256").update(KEY).digest("hex");
  const entry = { name: "bench", sha256, products: ["*"], roles: ["admin"] };
  const child = fork(HOST, {
    env: {
      PATH: process.env["PATH"],
      FLEET_DIR: folder,
      FLEET_API_KEYS: JSON.stringify([entry]),
      FUNCTION_KEYS: "off",
      PORT: "0",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const memory: Memory[] = [];
  const complaints: string[] = [];
  child.on("message", (told: Told) => {
    if (told.kind === "memory") memory.push({ ...told, atMs: performance.now() });
  });
  if (child.stderr)
    createInterface({ input: child.stderr }).on("line", (line) => {
      // Its log is a line for each decision; what is told at the end is what went wrong.
      if (!line.startsWith("information") && complaints.length < COMPLAINTS_MAX) complaints.push(line);
    });
  const exit = once(child, "exit") as Promise<[number | null, string | null]>;
  let ended: string | undefined;
  void exit.then(([code, signal]) => {
    ended = `it ended with ${String(code ?? signal)}`;
  });
  return {
    url: await served(child, complaints),
    memory,
    complaints,
    begin: () => {
      ask(child, "begin");
    },
    loop: () =>
      new Promise((resolve) => {
        child.on("message", (told: Told) => {
          if (told.kind === "loop") resolve(told);
        });
        ask(child, "report");
      }),
    ended: () => ended,
    stop: async () => {
      child.kill("SIGTERM");
      return (await exit)[0];
    },
  };
}

function ask(child: ChildProcess, asked: Asked): void {
  child.send(asked);
}

function served(child: ChildProcess, complaints: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once("exit", (code) => {
    reject(new Error(`the host ended with ${String(code)}: ${complaints.join("\n")}`));
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (url !== undefined) resolve(url);
    });
  }
  return promise;
}
