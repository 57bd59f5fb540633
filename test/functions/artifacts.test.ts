import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uploadAs, withAzurite } from "../support/azurite.js";
import { A_STRING } from "../support/http-answer.js";
import type { Given } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, everyPage } from "../support/http-fleet.js";

const azurite = withAzurite();
const LOG = { factoryId: "f1", leaseEpoch: 1, name: "log.txt", contentType: "text/plain" };
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe.each(["memory", "cosmos"] as const)("artifacts (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider, { AzureWebJobsStorage: azurite().connectionString });
  });
  afterAll(() => app.stop());

  /** A job of f1, and its artifacts' path. */
  async function aJob() {
    const product = aProduct(app);
    const job = await product.claimed();
    const path = `/fleet/jobs/${job.id}/artifacts`;
    const add = (given: Given = {}, headers: Record<string, string> = {}) =>
      product.call("POST", path, { key: "factory", body: { ...LOG, ...given }, headers });
    return { product, job, path, add };
  }

  it("are registered, uploaded by whoever has the URL, listed as found, and downloaded", async () => {
    const { product, path, add } = await aJob();
    const digest = sha256("hello");
    const { status, body } = await add({ sizeBytes: 5, sha256: digest });
    const reported = { contentType: "text/plain", sizeBytes: 5, sha256: digest };
    const artifact = {
      name: "log.txt",
      leaseEpoch: 1,
      createdAt: A_STRING,
      uploaded: false,
      contentType: "text/plain",
      reported,
    };
    expect(status).toBe(201);
    expect(body).toEqual({
      artifact,
      upload: {
        method: "PUT",
        url: A_STRING,
        headers: { "x-ms-blob-type": "BlockBlob", "content-type": "text/plain" },
        expiresAt: A_STRING,
      },
    });
    expect((await product.call("GET", path)).body.value).toEqual([artifact]);

    expect(await uploadAs(body.upload, "hello")).toBe(201);
    const { body: listed } = await product.call("GET", path, { key: "read" });
    const download = { url: A_STRING, expiresAt: A_STRING };
    const found = { uploaded: true, sizeBytes: 5, sha256: digest, asReported: true, download };
    expect(listed.value).toEqual([{ ...artifact, ...found }]);
    const url = listed.value[0]?.download?.url ?? "";
    expect(await (await fetch(url)).text()).toBe("hello");
    expect(await uploadAs({ ...body.upload, url }, "other")).toBe(403);
    expect((await fetch(body.upload.url)).status).toBe(403);
  });

  it("show a report that was not true, beside what is", async () => {
    const { product, path, add } = await aJob();
    const { body } = await add({ sizeBytes: 4, sha256: sha256("lie") });
    await uploadAs(body.upload, "hello");
    const [listed] = (await product.call("GET", path)).body.value;
    expect(listed).toMatchObject({
      asReported: false,
      sizeBytes: 5,
      sha256: sha256("hello"),
      reported: { sizeBytes: 4, sha256: sha256("lie") },
    });
  });

  it("are registered once under a name, a key or both", async () => {
    const { product, path, add, job } = await aJob();
    const key = { "idempotency-key": "op-1" };
    const first = await add({}, key);
    for (const again of [await add({}, key), await add()]) {
      expect(again.status).toBe(201);
      expect(again.body.artifact).toEqual(first.body.artifact);
    }
    const otherBody = await add({ name: "b" }, key);
    const otherType = await add({ contentType: "text/html" });
    for (const refused of [otherBody, otherType]) {
      expect([refused.status, refused.body.code]).toEqual([409, "idempotency_conflict"]);
      expect(refused.body).toMatchObject({ jobId: job.id, stage: "assigned" });
    }
    expect((await product.call("GET", path)).body.value).toHaveLength(1);
    const events = (await product.call("GET", `/fleet/jobs/${job.id}/events`)).body.value;
    expect(events.filter(({ type }) => type === "artifact_added")).toMatchObject([
      { actor: "f1", data: { leaseEpoch: 1, artifact: { name: "log.txt", contentType: "text/plain" } } },
    ]);
  });

  it.each([
    ["name", "../x"],
    ["name", "a/b"],
    ["name", "a\\b"],
    ["name", "%2e%2e"],
    ["name", ".."],
    ["name", ".hidden"],
    ["name", ""],
    ["name", "x".repeat(129)],
    ["name", "a b"],
    ["name", "a?b"],
    ["name", "näme"],
    ["name", 1],
    ["name", undefined],
    ["contentType", ""],
    ["contentType", "text"],
    ["contentType", "text/plain\r\nx-ms-meta-a: b"],
    ["contentType", `text/${"x".repeat(256)}`],
    ["contentType", undefined],
    ["sizeBytes", -1],
    ["sizeBytes", 1.5],
    ["sizeBytes", "5"],
    ["sha256", "abc"],
    ["sha256", "A".repeat(64)],
    ["leaseEpoch", 0],
    ["factoryId", "../f"],
  ])("refuse the %s %j, and name it", async (field, value) => {
    const { add } = await aJob();
    const { status, body } = await add({ [field]: value });
    expect([status, body.code]).toEqual([400, "validation_failed"]);
    expect(body.errors.map(({ path }) => path)).toEqual([field]);
  });

  it.each(["a", "x".repeat(128), "9", "a..b", "a.", "-_.".padStart(4, "a")])(
    "take the name %s",
    async (name) => {
      const { product, path, add } = await aJob();
      const { status, body } = await add({ name });
      expect(status).toBe(201);
      expect(await uploadAs(body.upload, "hello")).toBe(201);
      const [listed] = (await product.call("GET", path)).body.value;
      expect(listed).toMatchObject({ name, uploaded: true, sizeBytes: 5 });
    },
  );

  it("are added by the holder alone", async () => {
    const { product, path, add, job } = await aJob();
    await product.factory("f2");
    const refused = [
      await add({ leaseEpoch: 2 }),
      await add({ factoryId: "f2" }),
      await product.call("POST", path, { key: "read", body: LOG }),
      await product.call("POST", path, { key: "submit", body: LOG }),
      await product.call("POST", path, { key: "bound", body: { ...LOG, factoryId: "f2" } }),
      await product.call("POST", path, { key: "factory", product: "someone-else", body: LOG }),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
      [409, "stale_lease"],
      [409, "not_holder"],
      [403, "forbidden"],
      [403, "forbidden"],
      [403, "forbidden"],
      [404, "not_found"],
    ]);
    expect(refused[0]?.body).toMatchObject({
      currentEpoch: 1,
      stage: "assigned",
      directive: { action: "stop" },
    });
    await product.call("POST", `/fleet/jobs/${job.id}/lease/release`, {
      body: { factoryId: "f1", leaseEpoch: 1 },
    });
    expect((await add()).body.code).toBe("lease_not_held");
    expect((await product.call("GET", path)).body.value).toEqual([]);
  });

  it("are shown to readers of the product alone", async () => {
    const { product, path, add } = await aJob();
    await add();
    expect((await product.call("GET", path, { key: "factory" })).body.code).toBe("forbidden");
    const foreign = await product.call("GET", path, { product: "someone-else" });
    expect([foreign.status, foreign.body.code]).toEqual([404, "not_found"]);
  });

  it("come in pages, each once; a cursor of another list is none", async () => {
    const { product, path, add } = await aJob();
    for (const name of ["c", "a", "b"]) await add({ name });
    for (const limit of [1, 2, 3, 200]) {
      const pages = await everyPage(product, `${path}?limit=${limit}`);
      expect(pages.every((page) => page.length <= limit)).toBe(true);
      expect(pages.flat().map(({ name }) => name)).toEqual(["a", "b", "c"]);
    }
    for (const cursor of [
      "x",
      Buffer.from("[1]").toString("base64url"),
      Buffer.from('[1,"../x"]').toString("base64url"),
    ]) {
      expect((await product.call("GET", `${path}?cursor=${cursor}`)).status).toBe(400);
    }
  });
});

describe("artifacts without a place for them", () => {
  const NOWHERE: Given[] = [
    {},
    // A real account's key is the host's own: nothing is signed with it.
    {
      AzureWebJobsStorage: `DefaultEndpointsProtocol=https;AccountName=real;AccountKey=${btoa("k".repeat(64))};EndpointSuffix=core.windows.net`,
    },
  ];
  it.each(NOWHERE)("are refused with the setting's name, and all else works: %j", async (environment) => {
    const app = await startApp("memory", environment as Record<string, string>);
    const product = aProduct(app);
    const job = await product.claimed();
    for (const [method, body] of [
      ["POST", LOG],
      ["GET", undefined],
    ] as const) {
      const answer = await product.call(method, `/fleet/jobs/${job.id}/artifacts`, { body });
      expect([answer.status, answer.body.code]).toEqual([503, "misconfigured"]);
      expect(answer.body.detail).toContain("BLOB_ENDPOINT");
      expect(answer.headers.get("retry-after")).not.toBeNull();
    }
    const shipped = { factoryId: "f1", leaseEpoch: 1, stage: "shipped" };
    expect((await product.call("PATCH", `/fleet/jobs/${job.id}`, { body: shipped })).status).toBe(200);
    await app.stop();
  });

  it("are unavailable while the storage does not answer, and nothing is registered", async () => {
    const nobody = azurite().connectionString.replace(
      azurite().blobEndpoint,
      "http://127.0.0.1:1/devstoreaccount1",
    );
    const app = await startApp("memory", { AzureWebJobsStorage: nobody });
    const product = aProduct(app);
    const job = await product.claimed();
    const answer = await product.call("POST", `/fleet/jobs/${job.id}/artifacts`, { body: LOG });
    expect([answer.status, answer.body.code]).toEqual([503, "store_unavailable"]);
    const events = (await product.call("GET", `/fleet/jobs/${job.id}/events`)).body.value;
    expect(events.map(({ type }) => type)).toEqual(["submitted", "claimed"]);
    await app.stop();
  });
});
