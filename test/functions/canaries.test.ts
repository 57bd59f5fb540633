/** Secrets are planted wherever the app meets one, and looked for in all that it then writes. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withAzurite } from "../support/azurite.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, aSubmission } from "../support/http-fleet.js";
import { GUARDED, OPEN } from "../support/http-routes.js";
import { Writings, canaries, holds } from "../support/secrets.js";
import { aWatchedApp } from "../support/watched-app.js";

const planted = canaries();
const sha256 = createHash("sha256").update(planted.apiKey, "utf8").digest("hex");
const KEYS = JSON.stringify([{ name: "canary", sha256, products: ["*"], roles: ["admin"] }]);
const authorization = `Bearer ${planted.apiKey}`;
const ROUTES = Object.entries({ ...GUARDED, ...OPEN });

let written: Writings;
const spies: { mockRestore(): void }[] = [];
beforeEach(() => {
  written = new Writings();
  // What is written past the host's log: by us, a library, or Node itself.
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    const spy = vi.spyOn(stream, "write").mockImplementation((chunk: string | Uint8Array) => {
      written.add("the output", typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"));
      return write(chunk);
    });
    spies.push(spy);
  }
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((...args: unknown[]) => {
      written.add("the console", args.map(String).join(" "));
    });
    spies.push(spy);
  }
});
afterEach(() => {
  for (const spy of spies.splice(0)) spy.mockRestore();
});

/** Calls every route with these headers, and keeps what is answered. */
async function callAll(
  app: HttpApp,
  headers: Readonly<Record<string, string>>,
  query = "",
): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (const [name, { method, path, body }] of ROUTES) {
    const answer = await app.call(method, `${path}${query}`, { key: null, body, headers });
    written.add(`an answer of ${name}`, answer.text, JSON.stringify([...answer.headers]));
    statuses.add(answer.status);
  }
  return statuses;
}

/** A store that answers everything with `status`, and quotes the request and `secrets` in what it says. */
async function aTalkativeStore(secrets: readonly string[]) {
  let status = 500;
  const server = createServer((request, response) => {
    const quoted = [request.headers.authorization ?? "", request.url ?? "", ...secrets].join(" ");
    const sharedKey = decodeURIComponent(/sig%3D(.*)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "");
    if (sharedKey !== "") signatures.push(sharedKey);
    request.resume();
    if (status === 0) response.destroy();
    else {
      response.writeHead(status, { "content-type": "application/json", "x-ms-retry-after-ms": "1" });
      response.end(
        JSON.stringify({ code: quoted, message: `refused: ${quoted}`, error: { message: quoted } }),
      );
    }
  });
  const signatures: string[] = [];
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** How our own requests to it were signed. */
    signatures,
    answers: (next: number): void => void (status = next),
    close: (): void => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("no secret is written", () => {
  it("by any route that is called with a wrong key, a token, or a key in the wrong place", async () => {
    const app = await startApp("memory", { FLEET_API_KEYS: KEYS });
    for (const secret of [planted.wrongKey, planted.token, `${planted.apiKey}x`])
      expect(await callAll(app, { authorization: `Bearer ${secret}` })).toContain(401);
    expect(await callAll(app, { authorization: `Basic ${planted.apiKey}` })).toContain(401);
    expect(await callAll(app, { authorization: planted.apiKey, "x-api-key": planted.apiKey })).toContain(401);
    expect(await callAll(app, { authorization }, `?code=${planted.wrongKey}`)).toContain(200);
    // As if it were an id or a parameter: it is not repeated in what is said to be wrong.
    expect(await callAll(app, { authorization, "x-product-id": `${planted.wrongKey}/` })).toContain(400);
    expect(await callAll(app, { authorization }, `?colour=${planted.wrongKey}`)).toContain(400);
    await app.runReaper();
    written.add("the log", ...app.log);
    await app.stop();
    expect(written.size).toBeGreaterThan(300);
    written.mustNotHold(planted);
  });

  it("by any route whose store refuses it, fails, or quotes the credential that it was sent", async () => {
    const connection = `AccountName=a;AccountKey=${planted.accountKey}`;
    const sas = `https://a.blob.core.windows.net/c/b?sv=2025-01-05&sig=${planted.signature}`;
    const quotes = [planted.accountKey, connection, sas, authorization, planted.token];
    const store = await aTalkativeStore(quotes);
    const app = await startApp("memory", {
      FLEET_API_KEYS: KEYS,
      DB_PROVIDER: "cosmos",
      COSMOS_ENDPOINT: store.url,
      COSMOS_KEY: planted.accountKey,
    });
    const statuses = new Set<number>();
    for (const status of [400, 401, 403, 404, 413, 500, 0]) {
      store.answers(status);
      for (const each of await callAll(app, { authorization })) statuses.add(each);
      await app.runReaper();
    }
    written.add("the log", ...app.log);
    await app.stop();
    store.close();
    expect([...statuses]).toEqual(expect.arrayContaining([500, 503]));
    // It was asked, with the key; and what it said did come to the log.
    expect(store.signatures.length).toBeGreaterThan(20);
    expect(app.log.join("\n")).toContain("refused: ");
    const signed = Object.fromEntries(store.signatures.map((signature, n) => [`signature ${n}`, signature]));
    written.mustNotHold({ ...planted, ...signed });
  });

  it("where a setting is wrong, on any route, with the secret as its value", async () => {
    const { accountKey, apiKey, instrumentationKey, signature } = planted;
    const wrong: Record<string, Record<string, string>> = {
      FLEET_API_KEYS: { FLEET_API_KEYS: apiKey },
      "a key in place of its hash": { FLEET_API_KEYS: KEYS.replace(sha256, apiKey) },
      COSMOS_ENDPOINT: {
        DB_PROVIDER: "cosmos",
        COSMOS_ENDPOINT: `https://x:${accountKey}@h?sig=${signature}`,
      },
      COSMOS_KEY: {
        DB_PROVIDER: "cosmos",
        COSMOS_ENDPOINT: "https://h",
        COSMOS_KEY: `AccountKey=${accountKey}`,
      },
      AzureWebJobsStorage: {
        AzureWebJobsStorage: `AccountName=a;AccountKey=!${accountKey}`,
      },
      BLOB_ENDPOINT: { BLOB_ENDPOINT: `https://a.blob.core.windows.net/?sig=${signature}` },
      monitoring: { APPLICATIONINSIGHTS_CONNECTION_STRING: `Instrumentation=${instrumentationKey}` },
      "monitoring's identity": { APPLICATIONINSIGHTS_AUTHENTICATION_STRING: apiKey },
      limits: { REQUESTS_PER_CREDENTIAL_MAX: apiKey, QUEUED_JOBS_MAX: accountKey, LEASE_SECONDS: signature },
      ENTRA: { ENTRA_TENANT_ID: apiKey, ENTRA_AUDIENCE: `${apiKey} `, ENTRA_AUTHORITY: signature },
    };
    for (const [name, environment] of Object.entries(wrong)) {
      const app = await startApp("memory", { FLEET_API_KEYS: KEYS, ...environment });
      expect([name, await callAll(app, { authorization })]).toEqual([name, new Set([503])]);
      await app.runReaper();
      written.add(`the log with ${name} wrong`, ...app.log);
      await app.stop();
    }
    written.mustNotHold(planted);
  });
});

const azurite = withAzurite();

describe("no secret is written by a whole life of a job", () => {
  it("with artifacts and metrics: a URL's signature goes to whoever may have it, and nowhere else", async () => {
    const APPLICATIONINSIGHTS_CONNECTION_STRING = `InstrumentationKey=${planted.instrumentationKey};IngestionEndpoint=https://in.example/`;
    const { app, exporter } = await aWatchedApp(
      { AzureWebJobsStorage: azurite().connectionString, APPLICATIONINSIGHTS_CONNECTION_STRING },
      false,
      "cosmos",
    );
    const product = aProduct(app);
    const job = await product.claimed("f1");
    const mine = { factoryId: "f1", leaseEpoch: 1 };
    const path = `/fleet/jobs/${job.id}/artifacts`;
    const registered = { ...mine, name: "log.txt", contentType: "text/plain" };
    const added = await product.call("POST", path, { body: registered });
    const { upload } = added.body;
    await fetch(upload.url, { method: upload.method, headers: upload.headers, body: "done" });
    const listed = await product.call("GET", path);
    const signatures = [...`${added.text} ${listed.text}`.matchAll(/[?&]sig=([^&"]+)/g)].map((match) =>
      decodeURIComponent(match[1] ?? ""),
    );
    expect(signatures).toHaveLength(2);
    await product.call("PATCH", `/fleet/jobs/${job.id}`, { body: { ...mine, stage: "shipped" } });
    const after = [`/fleet/jobs/${job.id}`, `/fleet/jobs/${job.id}/events`, `/fleet/jobs/${job.id}/runs`];
    for (const each of [...after, "/fleet/stats", "/fleet/openapi.json", "/fleet/health", "/fleet/jobs"]) {
      const answer = await product.call("GET", each);
      expect(answer.status).toBe(200);
      written.add(each, answer.text);
    }
    await product.call("POST", "/fleet/jobs", { body: aSubmission() });
    await app.runReaper();
    written.add("the log", ...app.log);
    written.add("the metrics", JSON.stringify(await exporter.exported()));
    for (const container of ["fleet_jobs", "fleet_events", "fleet_artifacts", "fleet_runs"] as const)
      written.add(container, JSON.stringify(await app.documents(container)));
    await app.stop();

    const storageKey = /AccountKey=([^;]+)/.exec(azurite().connectionString)?.[1] ?? "";
    const { instrumentationKey } = planted;
    const [toUpload = "", toDownload = ""] = signatures;
    written.mustNotHold({ storageKey, instrumentationKey, toUpload, toDownload });
    expect([added, listed].some(({ text }) => holds(text, storageKey))).toBe(false);
  });
});

describe("the search itself", () => {
  it("finds a secret as it is, in a URL and in base64, and nothing else", () => {
    const { accountKey } = planted;
    expect(holds(`x ${accountKey}`, accountKey)).toBe(true);
    expect(holds(`sig=${encodeURIComponent(accountKey)}`, accountKey)).toBe(true);
    expect(holds(Buffer.from(accountKey).toString("base64"), accountKey)).toBe(true);
    expect(holds("nothing", accountKey)).toBe(false);
    const some = new Writings();
    some.add("a log", `it said ${accountKey}`);
    expect(() => {
      some.mustNotHold(planted);
    }).toThrow(/accountKey in a log/);
  });
});
