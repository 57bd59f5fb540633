import type { z } from "zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { openApi } from "../support/http-openapi.js";
import { aProduct } from "../support/http-fleet.js";

const NOBODY = { key: null, product: null } as const;

describe.each(["memory", "cosmos"] as const)("what anybody may ask (%s)", (provider) => {
  let app: HttpApp;
  let document: z.infer<typeof openApi>;
  beforeAll(async () => {
    app = await startApp(provider);
    document = openApi.parse((await app.call("GET", "/fleet/openapi.json", NOBODY)).body);
  });
  afterAll(() => app.stop());

  function parameters(path: string, method: string, where: "header" | "query") {
    return document.paths[path]?.[method]?.parameters.filter((parameter) => parameter.in === where) ?? [];
  }

  it("health is ok without a credential", async () => {
    const answer = await app.call("GET", "/fleet/health?code=x", NOBODY);
    expect([answer.status, answer.body]).toEqual([200, { status: "ok" }]);
    expect((await app.call("GET", "/fleet/health?verbose=1", NOBODY)).status).toBe(400);
  });

  it("OpenAPI lists exactly the routes that are registered, under their functions' names", () => {
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [operationId, method.toUpperCase(), path]),
    );
    const registered = app.functions.flatMap((fn) =>
      fn.kind === "http" && fn.name !== "unknown-path" ? [[fn.name, fn.methods[0], fn.path]] : [],
    );
    expect(listed.toSorted()).toEqual(registered.toSorted());
    expect(document.openapi).toBe("3.1.0");
  });

  it("OpenAPI says which headers each route reads", () => {
    const headersOf = (path: string, method: string) =>
      parameters(path, method, "header").map(({ name }) => name);
    const always = ["x-product-id", "x-request-id"];
    expect(headersOf("/fleet/jobs", "post")).toEqual([...always, "Idempotency-Key"]);
    expect(headersOf("/fleet/claim", "post")).toEqual([...always, "Idempotency-Key"]);
    expect(headersOf("/fleet/jobs/{id}", "patch")).toEqual([...always, "Idempotency-Key"]);
    expect(headersOf("/fleet/jobs/{id}/lease/release", "post")).toEqual([...always, "Idempotency-Key"]);
    expect(headersOf("/fleet/jobs/{id}/lease/renew", "post")).toEqual(always);
    expect(headersOf("/fleet/factories/heartbeat", "post")).toEqual(always);
    expect(headersOf("/fleet/jobs/{id}", "get")).toEqual([...always, "If-None-Match"]);
  });

  it("OpenAPI says which query parameters, bodies, answers and credentials there are", () => {
    const query = parameters("/fleet/jobs", "get", "query");
    expect(query.map(({ name }) => name)).toEqual(["stage", "idempotencyKey", "parentId", "limit", "cursor"]);
    expect(query[3]?.schema).toMatchObject({ type: "integer", minimum: 1, maximum: 200 });
    const post = document.paths["/fleet/jobs"]?.["post"];
    const body = post?.requestBody?.content["application/json"]?.schema;
    // The header may give the key instead.
    expect(body).toMatchObject({ required: ["bodyMd"], additionalProperties: false });
    expect(Object.keys(post?.responses ?? {}).map(Number)).toEqual([
      200, 201, 400, 401, 403, 409, 413, 415, 422, 429, 500, 503,
    ]);
    expect(post?.security).toEqual([{ key: [] }]);
    expect(document.paths["/fleet/health"]?.["get"]?.security).toEqual([]);
    expect(document.components.securitySchemes["key"]).toMatchObject({ type: "http", scheme: "bearer" });
    expect(post?.responses["409"]?.content?.["application/problem+json"]?.schema).toEqual({
      $ref: "#/components/schemas/Problem",
    });
  });

  it.each([
    ["GET", "/fleet/jobs/j1/artifacts/a1"],
    ["GET", "/fleet"],
    ["GET", "/fleet/"],
    ["GET", "/fleet/nothing?a=b"],
    ["POST", "/fleet/jobs/j1/lease/steal"],
  ])("%s %s is not there, or not yet: 404 as a problem document", async (method, path) => {
    const answer = await app.call(method, path, { key: "admin" });
    expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body.instance).toBe(answer.headers.get("x-request-id"));
  });

  it.each([
    ["DELETE", "/fleet/jobs", "POST, GET"],
    ["PUT", "/fleet/jobs/j1", "GET, PATCH"],
    ["OPTIONS", "/fleet/jobs/j1/", "GET, PATCH"],
    ["GET", "/fleet/claim", "POST"],
    ["DELETE", "/fleet/profiles/p1", "PUT, GET"],
    ["PATCH", "/Fleet/Jobs/j1/Lease/Renew", "POST"],
    ["POST", "/fleet/health", "GET"],
    ["DELETE", "/fleet/openapi.json", "GET"],
  ])("%s %s is 405 with the methods that the path takes", async (method, path, allow) => {
    const answer = await app.call(method, path, NOBODY);
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    expect(answer.body.code).toBe("method_not_allowed");
  });

  it("HEAD is 405, without a body", async () => {
    const answer = await app.call("HEAD", "/fleet/jobs");
    expect([answer.status, answer.headers.get("allow"), answer.text]).toEqual([405, "POST, GET", ""]);
  });

  it("nothing that anybody may ask names a product's things", async () => {
    const job = await aProduct(app, "secret-product").submit();
    for (const path of ["/fleet/health", "/fleet/openapi.json", `/fleet/nothing/${job.id}`]) {
      const { body } = await app.call("GET", path, NOBODY);
      expect(JSON.stringify(body)).not.toMatch(/secret-product|emulator|127\.0\.0\.1/);
    }
  });
});
