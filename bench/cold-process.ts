/**
 * One cold start, in a process of its own: `cold-process.js <answer|token|import> <URL of the entry> <more URLs>`,
 * with the app's settings in the environment. Prints one JSON object of milliseconds, each from just before
 * the entry's import to what the process was to reach, and to the last registration.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startHost } from "../host/start-host.js";

const [until, entry = "", ...more] = process.argv.slice(2);
const started = { at: 0 };
const sinceStart = (): number => performance.now() - started.at;

/** The platform's endpoint for managed identities: being asked for a token ends the measurement. */
const platform = createServer((request, response) => {
  if (request.url?.startsWith("/token") === true) finish(sinceStart());
  response.end();
}).listen(0, "127.0.0.1");
await once(platform, "listening");
const url = `http://127.0.0.1:${(platform.address() as AddressInfo).port}`;
// What the measurement itself needs is loaded before it begins.
await (await fetch(url)).text();
if (until === "token") {
  process.env["IDENTITY_ENDPOINT"] = `${url}/token`;
  process.env["IDENTITY_HEADER"] = "bench";
}

let registeredMs = 0;
started.at = performance.now();
const host = await startHost({
  load: async () => {
    await import(entry);
    registeredMs = sinceStart();
    for (const module of more) await import(module);
    if (until === "import") finish(sinceStart());
  },
  port: 0,
  log: () => undefined,
});
const response = await fetch(`${host.url}/fleet/health`);
await response.text();
// A slow machine may be told 503 while the libraries still load; the token is asked for all the same.
if (until === "token") await once(platform, "close");
if (response.status !== 200) throw new Error(`the first request was answered ${response.status}`);
finish(sinceStart());

function finish(reachedMs: number): void {
  process.stdout.write(`${JSON.stringify({ registeredMs, reachedMs })}\n`, () => process.exit(0));
}
