/** PostgreSQL and Redis from Debian's packages, on loopback, with their data in a scratch folder. */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startChild, stopChild } from "./children.js";

const HOST = "127.0.0.1";
const POSTGRES_FOLDER = "/usr/lib/postgresql";
const START_MS_MAX = 30_000;
const POLL_MS = 50;

export interface Server {
  readonly port: number;
  /** As its program says it: `15.18`. */
  readonly version: string;
  stop(): Promise<void>;
}

/** The Debian packages that are not installed, of the two that are needed. */
export function missingPackages(): string[] {
  const found = { postgresql: postgresPrograms(), "redis-server": redisProgram() };
  return Object.entries(found).flatMap(([name, program]) => (program === undefined ? [name] : []));
}

/** The folder of the newest PostgreSQL's programs; Debian has none of the server's on the PATH. */
function postgresPrograms(): string | undefined {
  const versions = existsSync(POSTGRES_FOLDER) ? readdirSync(POSTGRES_FOLDER) : [];
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(POSTGRES_FOLDER, version, "bin"))
    .find((folder) => existsSync(join(folder, "postgres")) && existsSync(join(folder, "initdb")));
}

function redisProgram(): string | undefined {
  return ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].find((path) => existsSync(path));
}

function installed(program: string | undefined): string {
  if (program === undefined) throw new Error(`not installed: ${missingPackages().join(", ")}`);
  return program;
}

/**
 * What differs from Debian's defaults, all in PostgreSQL's favour: memory for the whole of the largest queue,
 * and no checkpoint in the middle of a run. fsync and full_page_writes stay on.
 * https://www.postgresql.org/docs/15/runtime-config-resource.html, …/runtime-config-wal.html
 */
const POSTGRES_SETTINGS = {
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  shared_buffers: "2GB",
  max_wal_size: "8GB",
  checkpoint_timeout: "30min",
  max_connections: "300",
  listen_addresses: HOST,
  unix_socket_directories: "",
  autovacuum: "on",
};

/** Starts a fresh cluster in `folder`. PostgreSQL refuses root, so root starts it as Debian's user `postgres`. */
export async function startPostgres(folder: string): Promise<Server> {
  const programs = installed(postgresPrograms());
  const data = join(folder, "postgres");
  const as = asPostgres();
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (as !== undefined) chownSync(data, as.uid, as.gid);
  execFileSync(
    join(programs, "initdb"),
    ["-D", data, "-U", "bench", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"],
    { stdio: "pipe", cwd: "/", ...as },
  );
  const port = await freePort();
  const settings = Object.entries(POSTGRES_SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const args = ["-D", data, "-p", String(port), ...settings];
  const options = { stdio: ["ignore", "ignore", "pipe"], cwd: "/", ...as } satisfies SpawnOptions;
  // SIGQUIT is its immediate shutdown.
  const child = startChild(join(programs, "postgres"), args, options, "SIGQUIT");
  // It listens before it answers.
  const isReady = join(programs, "pg_isready");
  await untilReady(child, () => answers(isReady, ["-q", "-h", HOST, "-p", String(port)]));
  const version = versionOf(join(programs, "postgres"));
  // SIGINT is its fast shutdown; it does not wait for clients.
  return { port, version, stop: () => stopChild(child, "SIGINT") };
}

/**
 * AOF as BullMQ's documentation asks for, with no snapshots beside it:
 * https://docs.bullmq.io/guide/going-to-production ("Persistence", "Max memory policy").
 */
export async function startRedis(folder: string, appendfsync: "always" | "everysec"): Promise<Server> {
  const program = installed(redisProgram());
  const data = join(folder, `redis-${appendfsync}`);
  mkdirSync(data, { recursive: true });
  const port = await freePort();
  const file = join(data, "redis.conf");
  const lines = [
    `bind ${HOST}`,
    `port ${port}`,
    `dir ${data}`,
    'save ""',
    "appendonly yes",
    `appendfsync ${appendfsync}`,
    "maxmemory-policy noeviction",
    // As PostgreSQL makes no checkpoint in the middle of a run.
    "auto-aof-rewrite-percentage 0",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const child = startChild(program, [file], { stdio: ["ignore", "ignore", "pipe"] });
  await untilReady(child, () => isListening(port));
  return { port, version: versionOf(program), stop: () => stopChild(child, "SIGTERM") };
}

function versionOf(program: string): string {
  const said = execFileSync(program, ["--version"], { encoding: "utf8" });
  return /\d+(\.\d+)+/.exec(said)?.[0] ?? said.trim();
}

function asPostgres(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function untilReady(child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += POLL_MS) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${said}`);
    if (await isReady()) return;
    await pause(POLL_MS);
  }
  child.kill("SIGKILL");
  throw new Error(`${child.spawnfile} is not ready after ${START_MS_MAX} ms: ${said}`);
}

/** Whether the program ends with 0. */
async function answers(program: string, args: readonly string[]): Promise<boolean> {
  const [code] = (await once(spawn(program, args, { stdio: "ignore" }), "exit")) as [number | null];
  return code === 0;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
