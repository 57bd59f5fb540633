/** The same delay before every store: a proxy before a server, a wait before each operation of an embedded one. */
import { fileURLToPath } from "node:url";
import type { Store } from "../../shared/core/ports/store.js";
import { systemPause } from "../../shared/system.js";
import { firstOutput, startChild, stopChild } from "./children.js";

const PROXY = fileURLToPath(new URL("delay-proxy.js", import.meta.url));

export interface Way {
  /** Where to connect. */
  readonly port: number;
  stop(): Promise<void>;
}

/** The way to that port of loopback; without a delay the port itself, and no proxy. */
export async function wayTo(port: number, delayMs: number): Promise<Way> {
  if (delayMs === 0) return { port, stop: () => Promise.resolve() };
  const args = [PROXY, String(port), String(delayMs)];
  const child = startChild(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  return { port: Number(await firstOutput(child)), stop: () => stopChild(child, "SIGTERM") };
}

/** The same store, each of whose operations begins `delayMs` after it was asked for. */
export function delayedStore(store: Store, delayMs: number): Store {
  if (delayMs === 0) return store;
  const later = async <T>(request: () => Promise<T>): Promise<T> => {
    await systemPause(delayMs);
    return request();
  };
  return {
    create: (container, doc) => later(() => store.create(container, doc)),
    read: (container, partition, id) => later(() => store.read(container, partition, id)),
    replaceIfMatch: (container, doc, etag) => later(() => store.replaceIfMatch(container, doc, etag)),
    deleteIfMatch: (container, partition, id, etag) =>
      later(() => store.deleteIfMatch(container, partition, id, etag)),
    query: (container, partition, query, fields) =>
      later(() => store.query(container, partition, query, fields)),
    queryEveryPartition: (container, query, fields) =>
      later(() => store.queryEveryPartition(container, query, fields)),
    count: (container, partition, where) => later(() => store.count(container, partition, where)),
    ping: () => later(() => store.ping()),
  };
}
