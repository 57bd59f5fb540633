import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_NUMBER } from "../support/http-answer.js";
import type { Item } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, everyPage } from "../support/http-fleet.js";

const ids = (jobs: readonly Item[]) => jobs.map((job) => job.id);

describe.each(["memory", "cosmos"] as const)("reading jobs (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  describe("GET /fleet/jobs", () => {
    it("lists the product's jobs, newest first, each once over all pages", async () => {
      const product = aProduct(app);
      const jobs: Item[] = [];
      for (let n = 0; n < 7; n++) {
        app.advance(1);
        jobs.push(await product.submit());
      }
      await aProduct(app).submit();
      const pages = await everyPage(product, "/fleet/jobs?limit=3");
      expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
      expect(ids(pages.flat())).toEqual(ids(jobs).toReversed());
      expect(pages.flat()[0]).toEqual(jobs.at(-1));
    });

    it("keeps to its filters from page to page", async () => {
      const product = aProduct(app);
      const parent = await product.submit({ kind: "composite" });
      const children: Item[] = [];
      for (let n = 0; n < 3; n++) children.push(await product.submit({ parentId: parent.id }));
      await product.submit({ deps: [parent.id], parentId: parent.id });
      const path = `/fleet/jobs?stage=queued&parentId=${parent.id}&limit=1`;
      const found = (await everyPage(product, path)).flat();
      expect(ids(found).toSorted()).toEqual(ids(children).toSorted());
      const none = await product.call("GET", "/fleet/jobs?stage=shipped");
      expect(none.body).toEqual({ value: [] });
    });

    it("finds a parent's children by its key as well as by its id", async () => {
      const product = aProduct(app);
      const child = await product.submit({ parentId: "key:epic" });
      const parent = await product.submit({ idempotencyKey: "epic", kind: "composite" });
      for (const name of [parent.id, "key:epic"]) {
        const found = await product.call("GET", `/fleet/jobs?parentId=${name}`);
        expect(ids(found.body.value)).toEqual([child.id]);
      }
      const byBoth = `/fleet/jobs?parentId=key:epic&idempotencyKey=${child.idempotencyKey}`;
      expect(ids((await product.call("GET", byBoth)).body.value)).toEqual([child.id]);
    });

    it("finds the job of an idempotency key, if the other filters fit", async () => {
      const product = aProduct(app);
      const job = await product.submit();
      const path = `/fleet/jobs?idempotencyKey=${job.idempotencyKey}`;
      expect((await product.call("GET", path)).body).toEqual({ value: [job] });
      for (const filter of ["&stage=blocked", `&parentId=${job.id}`]) {
        expect((await product.call("GET", path + filter)).body).toEqual({ value: [] });
      }
      expect((await product.call("GET", `${path}&stage=queued`)).body.value).toHaveLength(1);
      expect((await aProduct(app).call("GET", path)).body).toEqual({ value: [] });
    });

    it("refuses a cursor that it did not make, and a limit beyond 1 to 200", async () => {
      const { call } = aProduct(app);
      const factoryCursor = Buffer.from('["f1"]').toString("base64url");
      for (const [name, value] of [
        ["cursor", "garbage"],
        ["cursor", factoryCursor],
        ["cursor", ""],
        ["limit", "0"],
        ["limit", "201"],
        ["limit", "ten"],
        ["stage", "done"],
        ["idempotencyKey", "a/b"],
      ] as const) {
        const answer = await call("GET", `/fleet/jobs?${name}=${value}`);
        expect(answer.status).toBe(400);
        expect(answer.body).toMatchObject({ code: "validation_failed", errors: [{ path: name }] });
      }
      for (const twice of ["limit=1&limit=2", "stage=queued&stage=queued", "cursor=a&cursor=b"]) {
        expect((await call("GET", `/fleet/jobs?${twice}`)).status).toBe(400);
      }
      expect((await call("GET", "/fleet/jobs?limit=200")).status).toBe(200);
    });
  });

  it("GET /fleet/jobs takes a cursor exactly as it was given, and none with an idempotency key", async () => {
    const product = aProduct(app);
    await product.submit();
    await product.submit();
    const first = await product.call("GET", "/fleet/jobs?limit=1");
    const cursor = new URL(first.body.nextLink ?? "", app.url).searchParams.get("cursor") ?? "";
    const at = (given: string) => product.call("GET", `/fleet/jobs?limit=1&cursor=${given}`);
    expect((await at(cursor)).body.value).toHaveLength(1);
    for (const given of [`${cursor}.`, `${cursor}&cursor=`, `${cursor}&idempotencyKey=k`]) {
      expect((await at(given)).body).toMatchObject({ status: 400, errors: [{ path: "cursor" }] });
    }
  });

  describe("GET /fleet/jobs/{id}", () => {
    it("shows the job with its lease while a factory owns it", async () => {
      const product = aProduct(app);
      const queued = await product.submit();
      const free = await product.call("GET", `/fleet/jobs/${queued.id}`);
      expect(free.body).toEqual(queued);

      await product.factory("f1");
      const { job, lease } = await product.claim("f1", { leaseSeconds: 60 });
      const held = await product.call("GET", `/fleet/jobs/${job.id}`);
      expect(held.body).toEqual({ ...job, lease: { ...lease, remainingSeconds: A_NUMBER } });
      expect(held.body.lease.remainingSeconds).toBeLessThanOrEqual(60);

      const body = { factoryId: "f1", leaseEpoch: 1, stage: "shipped" };
      await product.call("PATCH", `/fleet/jobs/${job.id}`, { body });
      const shipped = await product.call("GET", `/fleet/jobs/${job.id}`);
      expect(shipped.body).toMatchObject({ stage: "shipped", holderFactoryId: "f1" });
      expect(shipped.body).not.toHaveProperty("lease");
    });

    it("answers 304 while nothing changed, whatever way the tag is written", async () => {
      const product = aProduct(app);
      const job = await product.claimed();
      const path = `/fleet/jobs/${job.id}`;
      const first = await product.call("GET", path);
      const tag = first.headers.get("etag") ?? "";
      expect(tag).toMatch(/^"[\w-]{43}"$/);
      for (const given of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
        const same = await product.call("GET", path, { headers: { "if-none-match": given } });
        expect([same.status, same.text, same.headers.get("etag")]).toEqual([304, "", tag]);
      }
      const other = await product.call("GET", path, { headers: { "if-none-match": '"other"' } });
      expect(other.status).toBe(200);
      const missing = await product.call("GET", "/fleet/jobs/j0", { headers: { "if-none-match": "*" } });
      expect(missing.status).toBe(404);
    });

    it("gives another tag once the job, or only its lease, changed", async () => {
      const product = aProduct(app);
      const job = await product.claimed();
      const tagNow = async () => (await product.call("GET", `/fleet/jobs/${job.id}`)).headers.get("etag");
      const tags = [await tagNow()];
      const body = { factoryId: "f1", leaseEpoch: 1 };
      await product.call("POST", `/fleet/jobs/${job.id}/lease/renew`, { body });
      tags.push(await tagNow());
      await product.call("PATCH", `/fleet/jobs/${job.id}`, { body: { ...body, stage: "building" } });
      tags.push(await tagNow());
      expect(new Set(tags).size).toBe(3);
    });

    it("shows where a composite's children are, and only a composite's", async () => {
      const product = aProduct(app);
      const parent = await product.submit({ kind: "composite", priority: "low" });
      const path = `/fleet/jobs/${parent.id}`;
      const children = async () => (await product.call("GET", path)).body.children;
      expect((await children()).total).toBe(0);
      const leaf = await product.submit({ parentId: parent.id });
      await product.submit({ parentId: parent.id });
      await product.submit({ parentId: parent.id, deps: [leaf.id] });
      await product.submit();
      await aProduct(app).submit({ parentId: parent.id });
      await product.factory("f1");
      const { job } = await product.claim("f1");
      await product.call("PATCH", `/fleet/jobs/${job.id}`, {
        body: { factoryId: "f1", leaseEpoch: 1, stage: "review" },
      });
      const none = { assigned: 0, building: 0, testing: 0, shipped: 0, failed: 0, dead_letter: 0 };
      expect(await children()).toEqual({
        total: 3,
        stages: { ...none, queued: 1, blocked: 1, review: 1 },
      });
      expect((await product.call("GET", `/fleet/jobs/${leaf.id}`)).body).not.toHaveProperty("children");
    });

    it("gives a composite another tag when a child moved, and 304 while none did", async () => {
      const product = aProduct(app);
      const parent = await product.submit({ kind: "composite", deps: [(await product.submit()).id] });
      const path = `/fleet/jobs/${parent.id}`;
      const tagNow = async () => (await product.call("GET", path)).headers.get("etag") ?? "";
      const asked = async (tag: string) =>
        (await product.call("GET", path, { headers: { "if-none-match": tag } })).status;
      const before = await tagNow();
      expect(await asked(before)).toBe(304);
      await product.submit({ parentId: parent.id, priority: "critical" });
      expect(await asked(before)).toBe(200);
      const one = await tagNow();
      expect(await asked(one)).toBe(304);
      await product.factory("f1");
      await product.claim("f1");
      expect(await asked(one)).toBe(200);
    });

    it("shows another product's job exactly as one that doesn't exist", async () => {
      const job = await aProduct(app).submit();
      const { call } = aProduct(app);
      const requests = [
        ["GET", ""],
        ["GET", "/runs"],
        ["GET", "/events"],
        ["PATCH", ""],
        ["POST", "/lease/renew"],
        ["POST", "/lease/release"],
      ] as const;
      for (const [method, rest] of requests) {
        const sent = method === "GET" ? {} : { body: { factoryId: "f1", leaseEpoch: 1 } };
        const foreign = await call(method, `/fleet/jobs/${job.id}${rest}`, sent);
        const missing = await call(method, `/fleet/jobs/j0${rest}`, sent);
        expect(foreign.status).toBe(404);
        expect({ ...foreign.body, instance: "" }).toEqual({ ...missing.body, instance: "" });
        expect([...foreign.headers.keys()]).toEqual([...missing.headers.keys()]);
      }
    });
  });
});
