/** This project over HTTP: `npm start`'s host as a process of its own, on a file with synchronous=FULL. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstOutput, startChild, stopChild } from "./children.js";
import { CAPABILITY, fillOf, PRODUCT } from "./fleet-fill.js";
import type { FleetJob } from "./fleet-embedded.js";
import { wayTo } from "./delay.js";
import type { Hand, System } from "./queue.js";

const HOST = fileURLToPath(new URL("../../host/main.js", import.meta.url));
const KEY = `fleet_${"b".repeat(43)}`;

/** Workers speak HTTP/1.1 with kept connections, one each; a delay lies between them and the coordinator. */
export function fleetHttp(folder: string): System {
  return {
    name: "fleet over HTTP",
    durability: "power",
    open: async (delayMs) => {
      const place = mkdtempSync(join(folder, "fleet-http-"));
      const path = join(place, "fleet.db");
      const { child, port } = await startCoordinator(place, path);
      const way = await wayTo(port, delayMs);
      const agent = new Agent({ keepAlive: true, maxSockets: 64 });
      const call = callerOf(way.port, agent);
      return {
        ...fillOf(path),
        crew: async (workers) => {
          const names = Array.from({ length: workers }, (_, n) => `factory-${n}`);
          for (const name of names)
            await call("POST", "/fleet/factories/heartbeat", {
              factoryId: name,
              capabilities: [CAPABILITY],
              engines: [],
              seatLimit: 10,
              load: 0,
              health: "ok",
            });
          const hands = names.map((name) => handOf(call, name));
          return { kind: "pull", hands, end: () => Promise.resolve() };
        },
        close: async () => {
          agent.destroy();
          await way.stop();
          await stopChild(child, "SIGTERM");
          rmSync(place, { recursive: true });
        },
      };
    },
  };
}

async function startCoordinator(place: string, path: string) {
  const sha256 = createHash("sha256").update(KEY).digest("hex");
  const entry = { name: "bench", sha256, products: [PRODUCT], roles: ["submit", "factory", "read"] };
  const env = {
    ...process.env,
    DB_PROVIDER: "sqlite",
    FLEET_DIR: place,
    SQLITE_PATH: path,
    FLEET_API_KEYS: JSON.stringify([entry]),
    PORT: "0",
  };
  const child = startChild(process.execPath, [HOST], { env, stdio: ["ignore", "pipe", "ignore"] });
  const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(await firstOutput(child))?.[1];
  if (port === undefined) throw new Error("the coordinator names no port");
  return { child, port: Number(port) };
}

type Call = (method: string, path: string, body: unknown) => Promise<Record<string, unknown>>;

function callerOf(port: number, agent: Agent): Call {
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${KEY}`,
        "x-product-id": PRODUCT,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      };
      const sent = request({ host: "127.0.0.1", port, method, path, headers, agent }, (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("end", () => {
          const answer = Buffer.concat(pieces).toString();
          const status = response.statusCode ?? 0;
          if (status < 300) resolve(JSON.parse(answer) as Record<string, unknown>);
          else reject(new Error(`${method} ${path}: ${status} ${answer}`));
        });
      });
      sent.on("error", reject);
      sent.end(text);
    });
}

function handOf(call: Call, factoryId: string): Hand {
  const claim = async (): Promise<unknown> => {
    const { job, reason } = await call("POST", "/fleet/claim", { factoryId });
    return reason === "contended" ? claim() : (job ?? undefined);
  };
  return {
    claim,
    finish: async (job) => {
      const { id, leaseEpoch } = job as FleetJob;
      await call("PATCH", `/fleet/jobs/${id}`, { factoryId, leaseEpoch, stage: "shipped" });
    },
  };
}
