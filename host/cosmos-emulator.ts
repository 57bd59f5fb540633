/** An in-process stand-in for Cosmos DB; what it gets wrong (batches, TTL, consistency, request charge) nothing here relies on. */
import { createHttpServer } from "@vercel/cosmosdb-server";
import type { AddressInfo } from "node:net";

export interface CosmosEmulator {
  readonly endpoint: string;
  readonly key: string;
  /** Ends the server and every connection to it; its data is gone. */
  stop(): Promise<void>;
}

/** Starts an empty emulator on a free port. One takes milliseconds: start one for each test file, or test. */
export async function startCosmosEmulator(): Promise<CosmosEmulator> {
  const server = createHttpServer({ keepAlive: true });
  // A socket that the server closes while it idles is a reset for whoever uses it next.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    key: "ZHVtbXk=",
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
