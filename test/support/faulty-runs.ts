/** The fleet on a store in trouble: the embedded one behind faults of its own, the Cosmos emulator behind a proxy. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { CosmosClient } from "@azure/cosmos";
import { vi } from "vitest";
import { startCosmosEmulator } from "../../host/cosmos-emulator.js";
import { containers, partitionOf } from "../../shared/schema/containers.js";
import type { ContainerName } from "../../shared/schema/containers.js";
import type { SqliteOptions, SqliteStore } from "../../shared/store/sqlite-store.js";
import type { Doc } from "../simulation/operation.js";
import { startFaultProxy } from "../store/fault-proxy.js";
import type { Fault, ProxyOptions } from "../store/fault-proxy.js";
import { bursts } from "./bursts.js";
import type { Bursts } from "./bursts.js";
import { checkTold, whatIsUndone } from "./faulty-fleet-check.js";
import { workThrough } from "./faulty-fleet.js";
import type { Answers } from "./faulty-fleet.js";
import type { StoreFault } from "./faulty-store.js";
import { startApp } from "./http-app.js";
import type { HttpApp } from "./http-app.js";
import { seeded } from "./seeded.js";
import { Watch } from "./watch.js";

/** Ticks of the reaper in which all must be tidied up that the faults left. */
const TICKS_MAX = 100;
/** Longer than every lease, grace and skew, in seconds. */
const LONG = 10_000;

export interface FaultReport extends Answers {
  readonly jobs: number;
  readonly writes: number;
  readonly faults: Readonly<Record<string, number>>;
}

interface Size {
  readonly factories: number;
  readonly jobs: number;
  readonly seed: number;
}

/** On a database file in `folder`, with faults between the app and the real store. */
export async function onFaultyFile(folder: string, size: Size): Promise<FaultReport> {
  const random = seeded(size.seed);
  const ms = () => Math.floor(random() * 20);
  const faults = bursts<StoreFault>(
    random,
    [
      () => ({ kind: "slow", ms: ms() }),
      () => ({ kind: "throttled" }),
      () => ({ kind: "unavailable" }),
      () => ({ kind: "lost" }),
      () => ({ kind: "late", ms: ms() }),
    ],
    { often: 0.02, requestsMax: 12, nameOf: ({ kind }) => kind },
  );
  const watch = new Watch();
  const settled = putFaultsBeforeTheFile(watch, faults.next);
  const path = join(folder, "fleet.db");
  const app = await startApp("memory", { DB_PROVIDER: "sqlite", SQLITE_PATH: path });
  try {
    const report = await runUnderFaults({ app, watch, faults, random, size, settled });
    const db = new DatabaseSync(path, { readOnly: true });
    for (const { id } of containers)
      mustBeSame(
        watch,
        id,
        db
          .prepare(`SELECT body FROM ${id}`)
          .all()
          .map(({ body }) => JSON.parse(String(body)) as Doc),
      );
    db.close();
    return report;
  } finally {
    await app.stop();
    vi.doUnmock("../../shared/store/sqlite-store.js");
  }
}

interface SqliteModule {
  readonly openSqliteStore: (options: SqliteOptions) => SqliteStore;
}

/** The app that is loaded next opens its file behind faults; all else of it is real. Returns how to wait for what is late. */
function putFaultsBeforeTheFile(watch: Watch, next: () => StoreFault | undefined): () => Promise<unknown> {
  let settled = (): Promise<unknown> => Promise.resolve();
  vi.doMock("../../shared/store/sqlite-store.js", async (original) => {
    const { openSqliteStore } = await original<SqliteModule>();
    // Loaded with the app: it must throw the errors that the app knows.
    const { faultyStore } = await import("./faulty-store.js");
    return {
      openSqliteStore: (options: SqliteOptions) => {
        const real = openSqliteStore(options);
        const faulty = faultyStore(watch.over(real), next);
        settled = () => faulty.settled();
        return {
          ...faulty.store,
          close: () => {
            real.close();
          },
        };
      },
    };
  });
  return () => settled();
}

export interface EmulatorReport extends FaultReport {
  /** How long the requests that got no answer were waited for, at most, in milliseconds. */
  readonly silentMs: number;
}

/** On an emulator of its own behind the proxy. Keep it small: a query of the emulator copies its container. */
export async function onFaultyEmulator(size: Size): Promise<EmulatorReport> {
  const random = seeded(size.seed);
  const watch = new Watch();
  const faults = bursts<Fault>(random, networkFaults(random), {
    often: 0.02,
    requestsMax: 8,
    nameOf: (fault) => ("status" in fault ? `${fault.kind} ${fault.status}` : fault.kind),
  });
  const emulator = await startCosmosEmulator();
  const proxy = await startFaultProxy(emulator.endpoint, { plan: faults.next, answered: watcher(watch) });
  const settings = { DB_PROVIDER: "cosmos", COSMOS_ENDPOINT: proxy.endpoint, COSMOS_KEY: emulator.key };
  const app = await startApp("memory", settings);
  try {
    const settled = () => proxy.settled();
    const report = await runUnderFaults({ app, watch, faults, random, size, settled });
    const { endpoint, key } = emulator;
    const client = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
    for (const { id } of containers) {
      const { resources } = await client.database("fleet").container(id).items.readAll().fetchAll();
      mustBeSame(watch, id, resources.map(withoutSystem));
    }
    client.dispose();
    return { ...report, silentMs: Math.max(0, ...(await Promise.all(proxy.silences))) };
  } finally {
    await app.stop();
    await proxy.stop();
    await emulator.stop();
  }
}

function networkFaults(random: () => number): (() => Fault)[] {
  const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const status = () => oneOf([408, 449, 500, 503]);
  return [
    () => ({ kind: "answer", status: status() }),
    () => ({ kind: "answer", status: 429, headers: { "x-ms-retry-after-ms": String(oneOf([0, 20, 6000])) } }),
    () => ({ kind: "answer_after", status: status() }),
    () => ({ kind: "reset_before" }),
    () => ({ kind: "reset_after" }),
    () => ({ kind: "slow", ms: Math.floor(random() * 50) }),
    () => ({ kind: "late", status: status(), ms: Math.floor(random() * 50) }),
    // One in a burst: each is waited for until the deadline.
    () => (random() < 0.1 ? { kind: "silence" } : { kind: "reset_after" }),
  ];
}

/** Writes as the emulator did them, seen where its answers pass. */
function watcher(watch: Watch): NonNullable<ProxyOptions["answered"]> {
  return ({ method, url = "", headers }, status, body) => {
    const [, container, id] = /\/colls\/(\w+)\/docs(?:\/([^/?]+))?/.exec(url) ?? [];
    if (container === undefined || status >= 300) return;
    const name = container as ContainerName;
    if (method === "DELETE") {
      const [partition] = JSON.parse(String(headers["x-ms-documentdb-partitionkey"])) as string[];
      watch.wrote(name, partition ?? "", decodeURIComponent(id ?? ""), undefined);
    }
    if (status !== 201 && method !== "PUT") return;
    const doc = withoutSystem(JSON.parse(body.toString()) as Doc);
    watch.wrote(name, partitionOf(name, doc as never), doc.id, doc);
  };
}

function withoutSystem(doc: object): Doc {
  return Object.fromEntries(Object.entries(doc).filter(([name]) => !name.startsWith("_"))) as Doc;
}

interface Under {
  readonly app: HttpApp;
  readonly watch: Watch;
  readonly faults: Bursts<never> | Bursts<Fault> | Bursts<StoreFault>;
  readonly random: () => number;
  readonly size: Size;
  readonly settled: () => Promise<unknown>;
}

async function runUnderFaults({ app, watch, faults, random, size, settled }: Under): Promise<FaultReport> {
  const { told, answers } = await workThrough({ app, random, watch, ...size });
  faults.end();
  await settled();
  app.advance(LONG);
  for (let tick = 0; whatIsUndone(watch) !== undefined && tick < TICKS_MAX; tick++) await app.runReaper();
  const undone = whatIsUndone(watch);
  if (watch.violation !== undefined) throw watch.violation;
  if (undone !== undefined) throw new Error(undone);
  checkTold(watch, told, size.jobs);
  return { jobs: size.jobs, writes: watch.writes, faults: Object.fromEntries(faults.counts), ...answers };
}

/** Nothing is in the store that was not seen to be written, and nothing is missing. */
function mustBeSame(watch: Watch, container: ContainerName, stored: readonly Doc[]): void {
  const textOf = (docs: readonly Doc[]) =>
    docs
      .map((doc) => JSON.stringify(doc))
      .sort()
      .join("\n");
  if (textOf(stored) !== textOf(watch.documents(container)))
    throw new Error(`${container} is not what was seen to be written`);
}
