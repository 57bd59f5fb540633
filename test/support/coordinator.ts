import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const HOST = new URL("../../dist/host/", import.meta.url);
export const KEY = "a-key-that-only-tests-know";
const PRODUCT = "acme";

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A coordinator in a process of its own, started as `npm start` starts it. */
export interface Coordinator {
  readonly url: string;
  /** All that it printed. */
  readonly printed: string[];
  call(method: string, path: string, body?: object): Promise<Answer>;
  /** Ends it with this signal; resolves with its exit code, null where the signal killed it. */
  stop(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<number | null>;
}

/**
 * Starts a coordinator on the data in `folder`, as `npm start` or another command does, as `user` where that is
 * not us. Rejects when it ends before it serves.
 */
export async function startCoordinator(
  folder: string,
  env: Record<string, string> = {},
  main: "main.js" | "azure-like.js" = "main.js",
  user: { readonly uid?: number; readonly gid?: number } = {},
): Promise<Coordinator> {
  const sha256 = createHash("sha256").update(KEY).digest("hex");
  const entry = { name: "test", sha256, products: ["*"], roles: ["submit", "factory", "read", "admin"] };
  const child = spawn(process.execPath, [fileURLToPath(new URL(main, HOST))], {
    env: {
      PATH: process.env["PATH"],
      FLEET_DIR: folder,
      FLEET_API_KEYS: JSON.stringify([entry]),
      PORT: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    ...user,
  });
  const printed: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => printed.push(line));
  const url = await served(child, printed);
  return {
    url,
    printed,
    call: (method, path, body) => call(url, method, path, body),
    stop: async (signal) => {
      const exit = once(child, "exit") as Promise<[number | null]>;
      child.kill(signal);
      return (await exit)[0];
    },
  };
}

function served(child: ChildProcess, printed: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once("exit", (code) => {
    reject(new Error(`ended with ${String(code)}: ${printed.join("\n")}`));
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      printed.push(line);
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (url !== undefined) resolve(url);
    });
  }
  return promise;
}

async function call(url: string, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      authorization: `Bearer ${KEY}`,
      "x-product-id": PRODUCT,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
