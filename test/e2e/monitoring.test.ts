import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { startCoordinator } from "../support/coordinator.js";
import { aFolder } from "../support/scratch.js";

/** Records every module that a process loads, by import or require. */
const RECORDER = `
import { registerHooks } from "node:module";
import { appendFileSync } from "node:fs";
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.LOADED, url + "\\n");
    return next(url, context);
  },
});
`;
const CONNECTION =
  "InstrumentationKey=00000000-1111-2222-3333-444444444444;IngestionEndpoint=https://in.applicationinsights.azure.com/";
const WATCHING =
  /node_modules\/(?:@opentelemetry\/|@azure\/monitor-opentelemetry|@microsoft\/applicationinsights)/;

/** A life of a job on a coordinator of its own, and what it loaded for that. */
async function lifeOfAJob(env: Record<string, string>): Promise<string[]> {
  const folder = await aFolder();
  const [recorder, loaded] = [`${folder}/recorder.mjs`, `${folder}/loaded`];
  await writeFile(recorder, RECORDER);
  const coordinator = await startCoordinator(folder, {
    NODE_OPTIONS: `--import=${recorder}`,
    LOADED: loaded,
    // The storage emulator would run in the same process, and brings an exporter that it never uses.
    AzureWebJobsStorage: "UseDevelopmentStorage=true",
    ...env,
  });
  const beat = { factoryId: "f1", capabilities: [], seatLimit: 1, load: 0, health: "ok" };
  await coordinator.call("POST", "/fleet/factories/heartbeat", beat);
  await coordinator.call("POST", "/fleet/jobs", { idempotencyKey: "a", bodyMd: "x" });
  const claimed = await coordinator.call("POST", "/fleet/claim", { factoryId: "f1" });
  const { id } = claimed.body["job"] as { id: string };
  const end = { factoryId: "f1", leaseEpoch: 1, stage: "shipped" };
  expect((await coordinator.call("PATCH", `/fleet/jobs/${id}`, end)).status).toBe(200);
  expect(await coordinator.stop("SIGTERM")).toBe(0);
  return (await readFile(loaded, "utf8")).split("\n");
}

it("with monitoring off, nothing of it is loaded in a whole life of a job", async () => {
  const loaded = await lifeOfAJob({});
  expect(loaded.some((url) => url.endsWith("/dist/functions/main.js"))).toBe(true);
  expect(loaded.filter((url) => WATCHING.test(url) || url.includes("azure-monitor"))).toEqual([]);
});

it("with monitoring on, the metrics are sent to where the connection string says, at the latest at the end", async () => {
  // What goes out goes through a proxy, which sees where to, and lets nothing out.
  const asked: string[] = [];
  const proxy = createServer().on("connect", ({ url }, socket) => {
    asked.push(url ?? "");
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const loaded = await lifeOfAJob({
    APPLICATIONINSIGHTS_CONNECTION_STRING: CONNECTION,
    HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
  });
  proxy.close();
  expect(loaded.filter((url) => WATCHING.test(url)).length).toBeGreaterThan(10);
  expect(asked).toContain("in.applicationinsights.azure.com:443");
});
