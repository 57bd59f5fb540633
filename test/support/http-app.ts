/**
 * The whole app behind real HTTP, on a store of its own: functions/main.ts, loaded fresh by the local host;
 * or, under `npm run test:package`, the package in a process of the Node version under test.
 */
import { createHash } from "node:crypto";
import { CosmosClient } from "@azure/cosmos";
import type { Container } from "@azure/cosmos";
import { inject, vi } from "vitest";
import { startHost } from "../../host/start-host.js";
import type { LocalHost } from "../../host/start-host.js";
import { partitionFields } from "../../shared/schema/containers.js";
import type { ContainerName } from "../../shared/schema/containers.js";
import { startCosmosEmulator } from "../../host/cosmos-emulator.js";
import type { CosmosEmulator } from "../../host/cosmos-emulator.js";
import type { Answered, Body } from "./http-answer.js";
import { openApiChecker } from "./http-openapi.js";
import { startPackageApp } from "./package-app.js";
import { searchFor } from "./secrets.js";

export type Provider = "memory" | "cosmos";

/** Keys of the app, by what they may do: in every product but for `acmeOnly`, for any factory but for `bound`. */
const KEYS = {
  submit: "key-of-a-producer",
  factory: "key-of-any-factory",
  bound: "key-of-factory-f1",
  read: "key-of-a-reader",
  admin: "key-of-an-admin",
  acmeOnly: "key-of-an-admin-of-acme",
} as const;
export type KeyName = keyof typeof KEYS;

const ENTRIES = [
  { name: "submit", roles: ["submit"], products: ["*"] },
  { name: "factory", roles: ["factory"], products: ["*"] },
  { name: "bound", roles: ["factory"], products: ["*"], factoryIds: ["f1"] },
  { name: "read", roles: ["read"], products: ["*"] },
  { name: "admin", roles: ["admin"], products: ["*"] },
  { name: "acmeOnly", roles: ["admin"], products: ["acme"] },
] as const;

const ENVIRONMENT = {
  FLEET_API_KEYS: JSON.stringify(ENTRIES.map((entry) => ({ ...entry, sha256: sha256(KEYS[entry.name]) }))),
  FUNCTION_KEYS: "off",
  // Once a year: tests run the reaper themselves.
  REAPER_SCHEDULE: "0 0 0 1 1 *",
};
const VARIABLES = [
  ...Object.keys(ENVIRONMENT),
  ...["DB_PROVIDER", "SQLITE_PATH", "COSMOS_ENDPOINT", "COSMOS_DATABASE", "COSMOS_KEY", "LEASE_SECONDS"],
  ...["FACTORY_STALE_SECONDS", "CLOCK_SKEW_SECONDS_MAX", "RETENTION_DAYS", "REQUESTS_PER_CREDENTIAL_MAX"],
  "QUEUED_JOBS_MAX",
  ...["ENTRA_TENANT_ID", "ENTRA_AUDIENCE", "ENTRA_AUTHORITY"],
  ...["BLOB_ENDPOINT", "AzureWebJobsStorage", "APPLICATIONINSIGHTS_CONNECTION_STRING"],
  "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
];

export interface Sent {
  /** Whose key to send; null for none. An admin's by default. */
  readonly key?: KeyName | null;
  /** null for no header. `acme` by default. */
  readonly product?: string | null;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A document of any container. */
export type Stored = Readonly<Record<string, unknown>>;

export interface HttpApp {
  readonly url: string;
  readonly functions: LocalHost["functions"];
  /** `process.version` where the app runs. */
  readonly nodeVersion: string;
  /** Every line that the app logged. */
  readonly log: readonly string[];
  /** One request. The answer is also held against the OpenAPI document. */
  call(method: string, path: string, sent?: Sent): Promise<Answered>;
  /** Moves the coordinator's clock. */
  advance(seconds: number): void;
  runReaper(): ReturnType<LocalHost["runFunction"]>;
  /** The documents of one container, as the Cosmos DB SDK finds them. */
  documents(container: ContainerName): Promise<Stored[]>;
  /** Puts a document of Cosmos DB into the state that `change` gives, or takes it away: what a crash left behind. */
  rewrite(container: ContainerName, id: string, change: (doc: Stored) => Stored | undefined): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the app. `environment` is set on top of settings that work; undefined takes a variable away. */
export async function startApp(
  provider: Provider,
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<HttpApp> {
  const emulator = provider === "cosmos" ? await startCosmosEmulator() : undefined;
  const settings = { ...settingsFor(emulator), ...environment };
  const log: string[] = [];
  // In every test that has an app, not only in those that look for secrets.
  const mustHoldNoSecret = searchFor([...Object.values(KEYS), ...(emulator ? [emulator.key] : [])]);
  const served = await serve(settings, (line) => log.push(line));
  const clock = movableClock();
  const check = openApiChecker(served.url);
  return {
    url: served.url,
    functions: served.functions,
    nodeVersion: served.nodeVersion,
    log,
    call: async (method, path, sent = {}) => {
      await served.settled();
      const answered = await send(`${served.url}${path}`, method, sent);
      await served.settled();
      mustHoldNoSecret(answered.text + JSON.stringify([...answered.headers]));
      await check(method, path, answered);
      return answered;
    },
    advance: (seconds) => {
      served.setClock(clock.advance(seconds));
    },
    runReaper: async () => {
      await served.settled();
      return served.runFunction("reaper");
    },
    documents: (container) => withContainer(emulator, container, readAll),
    rewrite: (container, id, change) =>
      withContainer(emulator, container, async (opened) => {
        const found = (await readAll(opened)).find((doc) => doc["id"] === id);
        if (found === undefined) throw new Error(`${container} has no document ${id}`);
        const item = opened.item(id, String(found[partitionFields[container]]));
        const next = change(found);
        await (next === undefined ? item.delete() : item.replace({ ...next, id }));
      }),
    stop: async () => {
      clock.restore();
      await served.stop();
      await emulator?.stop();
      mustHoldNoSecret(log.join("\n"));
    },
  };
}

/** The app as it runs somewhere. */
interface Served extends Pick<LocalHost, "url" | "functions" | "runFunction" | "stop"> {
  readonly nodeVersion: string;
  /** Sets how far its clock is ahead, in milliseconds; it is so once it has `settled`. */
  setClock(offsetMs: number): void;
  /** Resolves when the clock is set, and all that was logged so far is in the log. */
  settled(): Promise<unknown>;
}

async function serve(
  settings: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
): Promise<Served> {
  const packaged = inject("packageUnderTest");
  if (packaged !== undefined) return startPackageApp(packaged, settings, log);
  const host = await withEnvironment(settings, () => {
    vi.resetModules();
    return startHost({
      load: () => import("../../functions/main.js"),
      port: 0,
      log: (level, line) => {
        log(`${level}: ${line}`);
      },
    });
  });
  // It runs in this very process, whose clock is moved already.
  const here = { nodeVersion: process.version, setClock: () => undefined, settled: () => Promise.resolve() };
  return { ...host, ...here };
}

function settingsFor(emulator: CosmosEmulator | undefined): Record<string, string> {
  if (emulator === undefined) return { ...ENVIRONMENT, DB_PROVIDER: "memory" };
  return {
    ...ENVIRONMENT,
    DB_PROVIDER: "cosmos",
    COSMOS_ENDPOINT: emulator.endpoint,
    COSMOS_KEY: emulator.key,
  };
}

async function withEnvironment<T>(
  environment: Readonly<Record<string, string | undefined>>,
  work: () => Promise<T>,
): Promise<T> {
  for (const name of VARIABLES) vi.stubEnv(name, environment[name]);
  try {
    return await work();
  } finally {
    vi.unstubAllEnvs();
  }
}

async function send(url: string, method: string, sent: Sent): Promise<Answered> {
  const { key = "admin", product = "acme" } = sent;
  const body = sent.raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
  const headers = new Headers({
    ...(key === null ? {} : { authorization: `Bearer ${KEYS[key]}` }),
    ...(product === null ? {} : { "x-product-id": product }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...sent.headers,
  });
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json") && text !== "";
  const json = (isJson ? JSON.parse(text) : {}) as Body;
  return { status: response.status, headers: response.headers, text, body: json };
}

function movableClock() {
  const realNow = Date.now.bind(Date);
  let offsetMs = 0;
  const spy = vi.spyOn(Date, "now").mockImplementation(() => realNow() + offsetMs);
  return {
    /** How far it is ahead now, in milliseconds. */
    advance: (seconds: number): number => (offsetMs += seconds * 1000),
    restore: (): void => {
      spy.mockRestore();
    },
  };
}

/** Runs `work` on a container as the SDK sees it, beside the app's own client. */
async function withContainer<T>(
  emulator: CosmosEmulator | undefined,
  container: ContainerName,
  work: (container: Container) => Promise<T>,
): Promise<T> {
  if (emulator === undefined) throw new Error("only Cosmos DB's documents can be looked at from outside");
  const { endpoint, key } = emulator;
  const client = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
  try {
    return await work(client.database("fleet").container(container));
  } finally {
    client.dispose();
  }
}

async function readAll(container: Container): Promise<Stored[]> {
  const found = await container.items.query("SELECT * FROM c").fetchAll();
  return found.resources as Stored[];
}

function sha256(key: string): string {
  return createHash("sha256").update(key, "utf8").digest("hex");
}
