import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_STRING } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, everyPage } from "../support/http-fleet.js";
import type { Product } from "../support/http-fleet.js";

const PATH = "/fleet/profiles/careful";
const put = (product: Product, snapshot: unknown, path = PATH) =>
  product.call("PUT", path, { body: { snapshot } });

describe.each(["memory", "cosmos"] as const)("profiles (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  it("PUT makes the next version, and answers the one that has this content already", async () => {
    const product = aProduct(app);
    const first = await put(product, { model: "opus", tools: ["bash"] });
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      outcome: "created",
      profile: {
        productId: product.id,
        name: "careful",
        version: 1,
        contentHash: A_STRING,
        snapshot: { model: "opus", tools: ["bash"] },
        createdAt: A_STRING,
      },
    });
    const answers = [];
    for (const snapshot of [
      { tools: ["bash"], model: "opus" },
      { model: "b" },
      { model: "opus", tools: ["bash"] },
    ]) {
      const { status, body } = await put(product, snapshot);
      answers.push([status, body.outcome, body.profile.version]);
    }
    expect(answers).toEqual([
      [200, "existing", 1],
      [201, "created", 2],
      [200, "existing", 1],
    ]);
  });

  it("PUT keeps the snapshot as it came", async () => {
    const product = aProduct(app);
    const raw = '{"snapshot":{"constructor":null,"n":0.1,"deep":[[{"é":"✓"}]]}}';
    expect((await product.call("PUT", PATH, { raw })).status).toBe(201);
    const { text } = await product.call("GET", PATH);
    expect(text).toContain('"snapshot":{"constructor":null,"n":0.1,"deep":[[{"é":"✓"}]]}');
  });

  it("GET shows the latest version, or the one that is asked for", async () => {
    const product = aProduct(app);
    const one = (await put(product, { n: 1 })).body.profile;
    const two = (await put(product, { n: 2 })).body.profile;
    expect((await product.call("GET", PATH, { key: "read" })).body).toEqual(two);
    expect((await product.call("GET", `${PATH}?version=1`)).body).toEqual(one);
    for (const path of [`${PATH}?version=3`, "/fleet/profiles/bold", "/fleet/profiles/careful:1"]) {
      expect((await product.call("GET", path)).status).toBe(404);
    }
    expect((await aProduct(app).call("GET", PATH)).status).toBe(404);
    for (const version of ["0", "-1", "1.5", "one", ""]) {
      const answer = await product.call("GET", `${PATH}?version=${version}`);
      expect(answer.body).toMatchObject({ status: 400, errors: [{ path: "version" }] });
    }
  });

  it("are listed by name and number, page by page, without what they hold", async () => {
    const product = aProduct(app);
    for (const name of ["b", "a", "a"]) await put(product, { n: Math.random() }, `/fleet/profiles/${name}`);
    await put(aProduct(app), { n: 1 });
    const pages = await everyPage(product, "/fleet/profiles?limit=2");
    expect(pages.map((page) => page.map(({ name, version }) => [name, version]))).toEqual([
      [
        ["a", 1],
        ["a", 2],
      ],
      [["b", 1]],
    ]);
    expect(Object.keys(pages[0]?.[0] ?? {}).toSorted()).toEqual(
      ["contentHash", "createdAt", "name", "productId", "version"].toSorted(),
    );
    const ofA = (await everyPage(product, "/fleet/profiles?name=a&limit=1")).flat();
    expect(ofA.map(({ version }) => version)).toEqual([1, 2]);
    for (const query of ["name=a:1", "cursor=x", "limit=0"])
      expect((await product.call("GET", `/fleet/profiles?${query}`)).status).toBe(400);
  });

  it.each<[string, string, unknown, string]>([
    ["a name with a colon", "/fleet/profiles/careful:2", {}, "name"],
    ["a name that begins with a dot", "/fleet/profiles/.careful", {}, "name"],
    ["a name of 129 characters", `/fleet/profiles/${"x".repeat(129)}`, {}, "name"],
    ["no snapshot", PATH, undefined, "snapshot"],
    ["a list", PATH, [], "snapshot"],
    ["a text", PATH, "text", "snapshot"],
    ["null", PATH, null, "snapshot"],
    ["more than 64 KiB", PATH, { text: "x".repeat(64 * 1024) }, "snapshot"],
  ])("PUT refuses %s, and names it", async (_what, path, snapshot, wrong) => {
    const answer = await put(aProduct(app), snapshot, path);
    expect(answer.body).toMatchObject({ status: 400, code: "validation_failed", errors: [{ path: wrong }] });
  });

  it("PUT takes 64 KiB and a name of 128 characters", async () => {
    const text = "x".repeat(64 * 1024 - '{"text":""}'.length);
    expect((await put(aProduct(app), { text }, `/fleet/profiles/${"x".repeat(128)}`)).status).toBe(201);
  });

  it("is on the run of a claim and in the list of runs, the version as well as what it holds", async () => {
    const product = aProduct(app);
    await put(product, { model: "a" });
    const job = await product.submit({ profile: "careful" });
    await put(product, { model: "b" });
    await product.factory("f1");
    const { run } = await product.claim("f1");
    expect(run).toMatchObject({ profile: "careful:2", profileSnapshot: { model: "b" } });
    const runs = async () => (await product.call("GET", `/fleet/jobs/${job.id}/runs`)).body.value;
    expect(await runs()).toEqual([run]);
    const body = { factoryId: "f1", leaseEpoch: 1, stage: "shipped" };
    await product.call("PATCH", `/fleet/jobs/${job.id}`, { body });
    expect(await runs()).toMatchObject([{ ...run, endedAt: A_STRING }]);
  });

  it("gives ten contents at once ten numbers", async () => {
    const product = aProduct(app);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => put(product, { n })));
    const versions = answers.map(({ body }) => body.profile.version).toSorted((a, b) => a - b);
    expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
  });
});
