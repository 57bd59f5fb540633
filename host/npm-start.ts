/**
 * What `npm start` does: fills in what a laptop needs and the cloud must say (a store, a key), checks
 * the settings, starts the host and tells how to use it.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fleetDirOf, readSettings, type Settings } from "../shared/settings.js";
import { devKeyEntry, devKeyIn } from "./dev-key.js";
import { type LocalStorage, startLocalStorage } from "./local-storage.js";
import { logTo } from "./log.js";
import { type HostOptions, type LocalHost, startHost } from "./start-host.js";

export interface StartOptions {
  /** Read, and filled in with what was left out, for the app reads it too. */
  readonly env: Record<string, string | undefined>;
  readonly load: () => Promise<unknown>;
  /** The text of host.json. */
  readonly hostJson: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly scheduler?: HostOptions["scheduler"];
}

/** The running host; undefined when it can't start, and `err` has been told why. */
export async function npmStart(options: StartOptions): Promise<LocalHost | undefined> {
  const { env, err } = options;
  let key: string | undefined;
  try {
    key = fillIn(env);
  } catch (error) {
    err(`FLEET_DIR: ${messageOf(error)}\n`);
    return undefined;
  }
  const outcome = readSettings(env);
  if (outcome.kind === "wrong") {
    for (const { name, message } of outcome.problems) err(`${name}: ${message}\n`);
    return undefined;
  }
  let storage: LocalStorage | undefined;
  try {
    pinPaths(env, outcome.settings);
    storage = await storageFor(env, outcome.settings);
    const { load, scheduler } = options;
    const { port } = outcome.settings;
    const routePrefix = routePrefixOf(options.hostJson);
    const host = await startHost({ load, port, routePrefix, scheduler, log: logTo(err) });
    const unusable = await whyUnusable(host.url);
    const stop = stopBoth(host, storage);
    if (unusable !== undefined) {
      err(`${unusable}\n`);
      await stop();
      return undefined;
    }
    options.out(welcome(host, key));
    return { ...host, stop };
  } catch (error) {
    await storage?.stop();
    err(`${whyNotStarted(error, outcome.settings.port)}\n`);
    return undefined;
  }
}

/** Artifacts have a place under `npm start`: where none is set, the storage emulator, with its data beside the rest. */
async function storageFor(
  env: StartOptions["env"],
  { blobs, fleetDir }: Settings,
): Promise<LocalStorage | undefined> {
  if (blobs !== undefined) return undefined;
  const storage = await startLocalStorage(fleetDir);
  env["AzureWebJobsStorage"] = storage.connectionString;
  return storage;
}

/** The app first: what it still does may need the storage. */
function stopBoth(host: LocalHost, storage: LocalStorage | undefined): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  return () => (stopped ??= host.stop().then(() => storage?.stop()));
}

/** A setting can be of the right form and still name what can't be used, such as a file that is no database. */
async function whyUnusable(url: string): Promise<string | undefined> {
  const response = await fetch(new URL("/fleet/health", url));
  const body: unknown = await response.json().catch(() => undefined);
  const { code, detail } = (body ?? {}) as { code?: unknown; detail?: unknown };
  return code === "misconfigured" && typeof detail === "string" ? detail : undefined;
}

/** Sets what is not set; gives the development key where it is the one in use. */
function fillIn(env: StartOptions["env"]): string | undefined {
  env["DB_PROVIDER"] ||= "sqlite";
  if (env["FLEET_API_KEYS"]) return undefined;
  const key = devKeyIn(fleetDirOf(env));
  env["FLEET_API_KEYS"] = JSON.stringify([devKeyEntry(key)]);
  return key;
}

/** The app reads the same settings; and the folders of its data are there when it does. */
function pinPaths(env: StartOptions["env"], { store, fleetDir, port }: Settings): void {
  env["FLEET_DIR"] = fleetDir;
  env["PORT"] = String(port);
  mkdirSync(fleetDir, { recursive: true });
  if (store.provider !== "sqlite") return;
  env["SQLITE_PATH"] = store.path;
  mkdirSync(dirname(store.path), { recursive: true });
}

/** `routePrefix` of host.json; "api" where it has none, as on the real host. */
function routePrefixOf(hostJson: string): string {
  const host = JSON.parse(hostJson) as { extensions?: { http?: { routePrefix?: string } } };
  return host.extensions?.http?.routePrefix ?? "api";
}

function whyNotStarted(error: unknown, port: number): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException) : undefined;
  if (code?.syscall === "mkdir") return `FLEET_DIR or SQLITE_PATH: ${code.message}`;
  if (code?.syscall === "listen") {
    const why = code.code === "EADDRINUSE" ? "is in use" : "can't be listened on";
    return `PORT: ${port} on 127.0.0.1 ${why}; set PORT to another`;
  }
  return `The app did not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function welcome(host: LocalHost, key: string | undefined): string {
  const rows = host.functions.flatMap((fn) => {
    // What answers all that does not exist is no route to call.
    if (fn.kind === "other" || (fn.kind === "http" && fn.path.includes("{*"))) return [];
    if (fn.kind === "timer") return [`  ${"timer".padEnd(6)} ${fn.name} (${fn.schedule})`];
    const methods = fn.methods.length === 0 ? ["ANY"] : fn.methods;
    return methods.map((method) => `  ${method.padEnd(6)} ${fn.path}`);
  });
  const curl = [
    `curl -sS -X POST ${host.url}/fleet/jobs`,
    `-H "authorization: Bearer ${key ?? "$KEY"}"`,
    "-H 'x-product-id: demo' -H 'content-type: application/json'",
    `-d '{"idempotencyKey":"hello-1","bodyMd":"Say hello"}'`,
  ].join(" ");
  return [
    `Listening on ${host.url}`,
    key === undefined ? "Keys: those of FLEET_API_KEYS" : `Development key: ${key}`,
    ...rows,
    "",
    key === undefined ? "Submit a job, with a key of yours in $KEY, for the product demo:" : "Submit a job:",
    curl,
    "",
  ].join("\n");
}
