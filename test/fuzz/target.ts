/** The app under fuzz: behind the local host's HTTP, and called as the runtime calls it; with its store seen from outside. */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { vi } from "vitest";
import { z } from "zod";
import type { Route } from "../../functions/http/route.js";
import { loadApp } from "../../host/functions-core.js";
import { listen } from "../../host/http-server.js";
import { invokerOf } from "../../host/invoke.js";
import type { Invoke } from "../../host/invoke.js";
import { routesOf } from "../../host/router.js";
import type { RpcHttpRequest } from "../../host/rpc.js";
import { containers, documentSchemas } from "../../shared/schema/containers.js";
import type { ContainerName } from "../../shared/schema/containers.js";
import { KEY } from "./shape.js";
import { ask } from "./socket.js";
import type { Answered, Request } from "./socket.js";

type Document = Readonly<Record<string, unknown>>;

export interface Target {
  /** What main.ts registered, but for the timer and the path that takes what no other does. */
  readonly routes: readonly Route[];
  /** Errors that the app logged. */
  readonly errors: readonly string[];
  overHttp(request: Request, limitMs: number): Promise<Answered>;
  /** Calls the route's function with parameters as given, past the host's own checks; rejects when it throws. */
  inProcess(route: string, request: RpcHttpRequest): Promise<Answered>;
  /** Resolves when no function runs: one goes on when its client has hung up. */
  settled(): Promise<void>;
  /** Changes whenever anything was committed to the store since it was asked for last. */
  storeVersion(): number;
  job(productId: string, id: string): Document | undefined;
  /** What is wrong with the documents that are stored, at most one per container. */
  misshapen(): string[];
  stop(): Promise<void>;
}

/** Starts it on the database file. */
export async function startTarget(file: string, blobs: string): Promise<Target> {
  const sha256 = createHash("sha256").update(KEY).digest("hex");
  const settings = {
    DB_PROVIDER: "sqlite",
    SQLITE_PATH: file,
    FLEET_API_KEYS: JSON.stringify([{ name: "fuzz", sha256, products: ["*"], roles: ["admin"] }]),
    FUNCTION_KEYS: "off",
    REAPER_SCHEDULE: "0 0 0 1 1 *",
    // Nothing expires while the fuzzer runs: what changes, changes by a request.
    LEASE_SECONDS: "3600",
    FACTORY_STALE_SECONDS: "86400",
    AzureWebJobsStorage: blobs,
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  vi.resetModules();
  const app = await loadApp(() => import("../../functions/main.js"));
  vi.unstubAllEnvs();
  const errors: string[] = [];
  const log = (level: string, line: string): void => {
    if (level === "error" || level === "critical") errors.push(line);
  };
  const underWay = new Set<Promise<unknown>>();
  const invoke = watched(invokerOf(app, log), underWay);
  const functions = routesOf(app.functions, "");
  const run = () => Promise.reject(new Error("the fuzzer runs no timer"));
  const server = await listen(0, { routes: functions, invoke, run, log });
  const names = functions.map(({ fn }) => fn.name).filter((name) => name !== "unknown-path");
  const routes = await Promise.all(names.map(routeNamed));
  // The store opens with the first call that needs it.
  await ask(server.port, { method: "GET", target: "/fleet/health", headers: [] }, 10_000);
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  return {
    routes,
    errors,
    overHttp: (request, limitMs) => ask(server.port, request, limitMs),
    inProcess: async (route, http) => {
      const fn = functions.find((known) => known.fn.name === route)?.fn;
      if (fn === undefined) throw new Error(`no function ${route}`);
      const answer = await invoke(fn, { http });
      const headers = Object.entries(answer?.headers ?? {}).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]);
      return {
        status: Number(answer?.statusCode ?? 200),
        headers: Object.fromEntries(headers) as Record<string, string>,
        text: Buffer.from(answer?.body?.bytes ?? []).toString("utf8"),
      };
    },
    settled: async () => {
      await Promise.allSettled(underWay);
    },
    storeVersion: () => Number(db.prepare("PRAGMA data_version").get()?.["data_version"]),
    job: (productId, id) => {
      const row = db.prepare("SELECT body FROM fleet_jobs WHERE pk = ? AND id = ?").get(productId, id);
      return row === undefined ? undefined : (JSON.parse(String(row["body"])) as Document);
    },
    misshapen: () => containers.flatMap(({ id }) => misshapenIn(db, id)),
    stop: async () => {
      server.cut();
      await server.close();
      db.close();
      await app.runHooks("appTerminate");
    },
  };
}

function watched(invoke: Invoke, underWay: Set<Promise<unknown>>): Invoke {
  return (fn, data) => {
    const running = invoke(fn, data).finally(() => underWay.delete(running));
    underWay.add(running);
    return running;
  };
}

/** Each function's file has its name, and exports its route: registrations.test.ts holds them to it. */
async function routeNamed(name: string): Promise<Route> {
  const module = (await import(`../../functions/${name}.ts`)) as Record<string, unknown>;
  const route = Object.values(module).find(
    (value) => z.looseObject({ name: z.literal(name) }).safeParse(value).success,
  );
  if (route === undefined) throw new Error(`functions/${name}.ts exports no route ${name}`);
  return route as Route;
}

function misshapenIn(db: DatabaseSync, container: ContainerName): string[] {
  for (const { body } of db.prepare(`SELECT body FROM ${container}`).iterate()) {
    const parsed = documentSchemas[container].safeParse(JSON.parse(String(body)));
    if (!parsed.success)
      return [`${container}: ${z.prettifyError(parsed.error)} in ${String(body).slice(0, 500)}`];
  }
  return [];
}
