/** The real routes behind real HTTP, on a store with a meter, each request one operation. */
import { createHash } from "node:crypto";
import { startHost } from "../../host/start-host.js";
import { claim } from "../../functions/claim.js";
import { heartbeat } from "../../functions/heartbeat.js";
import { handlerOf } from "../../functions/http/pipeline.js";
import type { Backend } from "../../functions/http/pipeline.js";
import type { Route } from "../../functions/http/route.js";
import { patchJob } from "../../functions/patch-job.js";
import { releaseLease } from "../../functions/release-lease.js";
import { reaperOf } from "../../functions/reaper.js";
import { renewLease } from "../../functions/renew-lease.js";
import { submitJob } from "../../functions/submit-job.js";
import { connect } from "../../shared/core/fleet.js";
import type { Store } from "../../shared/core/ports/store.js";
import { readSettings } from "../../shared/settings.js";
import { systemClock, systemIds, systemPause, systemRandom } from "../../shared/system.js";
import type { Meter } from "./meter.js";

const KEY = "the-key-of-a-bench";
const ROUTES: readonly Route[] = [submitJob, claim, renewLease, patchJob, releaseLease, heartbeat];

export type Json = Readonly<Record<string, unknown>>;

export interface MeteredApp {
  /** One request of `product`; throws unless it is answered by 2xx. */
  call(product: string, method: string, path: string, body: Json): Promise<Json>;
  /** One tick of the timer. */
  runReaper(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the app on `store`, which `meter` has been put on. */
export async function startMeteredApp(meter: Meter, store: Store): Promise<MeteredApp> {
  const backend = backendOn(store);
  const host = await startHost({
    load: async () => {
      // Only while the host loads an app does the library have whom to register with.
      const { app } = await import("@azure/functions");
      for (const route of ROUTES) {
        const handler = handlerOf(route, backend);
        app.http(route.name, {
          methods: [route.method],
          authLevel: "anonymous",
          route: route.path.slice(1),
          handler: (request, context) =>
            meter.operation(route.name, () => Promise.resolve(handler(request, context))),
        });
      }
      const reaper = reaperOf(backend);
      app.timer("reaper", {
        // Once a year: it runs when it is asked to.
        schedule: "0 0 0 1 1 *",
        handler: (timer, context) => meter.operation("reaper", () => Promise.resolve(reaper(timer, context))),
      });
    },
    port: 0,
    log: () => undefined,
  });
  return {
    call: (...sent) => send(host.url, ...sent),
    runReaper: async () => {
      const { kind } = await host.runFunction("reaper");
      if (kind !== "ran") throw new Error(`the reaper: ${kind}`);
    },
    stop: host.stop,
  };
}

function backendOn(store: Store): Backend {
  const sha256 = createHash("sha256").update(KEY, "utf8").digest("hex");
  const credentials = [{ name: "bench", sha256, products: ["*"], roles: ["admin"] as const }];
  const read = readSettings({ DB_PROVIDER: "memory", FLEET_API_KEYS: JSON.stringify(credentials) });
  if (read.kind !== "ok") throw new Error(JSON.stringify(read.problems));
  const nothing = (): undefined => undefined;
  const log = { decision: nothing, info: nothing, warn: nothing, error: nothing };
  const system = { clock: systemClock(), ids: systemIds, pause: systemPause };
  const fleet = connect({ ...system, random: systemRandom, store, log }, read.settings);
  return {
    ...system,
    misconfigured: undefined,
    credentials,
    routes: ROUTES,
    fleet: () => Promise.resolve(fleet),
  };
}

async function send(url: string, product: string, method: string, path: string, body: Json): Promise<Json> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${KEY}`,
      "content-type": "application/json",
      "x-product-id": product,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Json;
}
