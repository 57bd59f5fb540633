import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withAzurite } from "../support/azurite.js";
import { A_STRING } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { GUARDED } from "../support/http-routes.js";

/** What each is answered, by who asks, is in access-matrix.test.ts. */
const ROUTES = Object.values(GUARDED);
const WITH_BODY = ROUTES.filter(({ body }) => body !== undefined);
const WITH_ID = ROUTES.filter(({ path }) => path.includes("nothing"));
const POST_JOBS = "/fleet/jobs";

const azurite = withAzurite();

describe.each(["memory", "cosmos"] as const)("every route (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider, { AzureWebJobsStorage: azurite().connectionString });
  });
  afterAll(() => app.stop());

  describe.each(ROUTES)("$method $path", ({ method, path, body }) => {
    it("knows nobody without a key, or with one that is not known", async () => {
      const keyless = await app.call(method, path, { key: null, body });
      expect(keyless.status).toBe(401);
      expect(keyless.body).toMatchObject({ code: "unauthenticated", status: 401 });
      expect(keyless.headers.get("www-authenticate")).toBe("Bearer");
      for (const authorization of ["Bearer unknown", "Basic a2V5", "Bearer"]) {
        const unknown = await app.call(method, path, { key: null, body, headers: { authorization } });
        expect(unknown.status).toBe(401);
      }
    });

    it("needs a product that is one and that the key is granted", async () => {
      for (const product of [null, "", "../acme", "a b", "x".repeat(129)]) {
        const answer = await app.call(method, path, { product, body });
        expect([answer.status, answer.body.code]).toEqual([400, "product_required"]);
      }
      const foreign = await app.call(method, path, { key: "acmeOnly", product: "other", body });
      expect([foreign.status, foreign.body.code]).toEqual([403, "forbidden"]);
    });

    it("refuses a query parameter that it doesn't know, but not the platform's own", async () => {
      const refused = await app.call(method, `${path}?colour=red`, { body });
      expect(refused.status).toBe(400);
      expect(refused.body.errors).toEqual([{ path: "colour", message: A_STRING }]);
      const allowed = await app.call(method, `${path}?code=secret-function-key&clientId=me`, { body });
      expect(allowed.status).not.toBe(400);
      expect(JSON.stringify(allowed.body)).not.toContain("secret-function-key");
    });

    it("refuses a query parameter that JavaScript has a meaning for", async () => {
      const refused = await app.call(method, `${path}?__proto__=x`, { body });
      expect(refused.status).toBe(400);
      expect(refused.body.errors).toEqual([{ path: "__proto__", message: A_STRING }]);
    });

    it("answers with the caller's request id where it is safe, else with a new one", async () => {
      const echoed = await app.call(method, path, { body, headers: { "x-request-id": "my-request.1" } });
      expect(echoed.headers.get("x-request-id")).toBe("my-request.1");
      const made = await app.call(method, path, { body, headers: { "x-request-id": "not safe" } });
      expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  describe.each(WITH_BODY)("$method $path with a body", ({ method, path, body }) => {
    it("takes application/json only", async () => {
      for (const type of ["text/plain", "application/merge-patch+json", "application/json; charset=utf-16"]) {
        const answer = await app.call(method, path, { body, headers: { "content-type": type } });
        expect([answer.status, answer.body.code]).toEqual([415, "unsupported_media_type"]);
      }
      const utf8 = { "content-type": 'Application/JSON; charset="UTF-8"' };
      expect((await app.call(method, path, { body, headers: utf8 })).status).not.toBe(415);
      const zipped = await app.call(method, path, { body, headers: { "content-encoding": "gzip" } });
      expect(zipped.status).toBe(415);
    });

    it("refuses more than 1 MiB", async () => {
      const answer = await app.call(method, path, { raw: `{"x":"${"x".repeat(1024 * 1024)}"}` });
      expect([answer.status, answer.body.code]).toEqual([413, "body_too_large"]);
    });

    it("refuses what is not JSON in UTF-8", async () => {
      const invalidUtf8 = new Uint8Array([0x22, 0xff, 0x22]);
      for (const raw of ["", "{", "{'a':1}", invalidUtf8]) {
        const headers = { "content-type": "application/json" };
        const answer = await app.call(method, path, { raw, headers });
        expect([answer.status, answer.body.code]).toEqual([400, "malformed_json"]);
      }
    });

    it("refuses JSON of another shape, and names each property that it doesn't know", async () => {
      for (const raw of ["[]", "null", "1", '"text"']) {
        expect((await app.call(method, path, { raw })).body).toMatchObject({
          code: "validation_failed",
          errors: [{ path: "" }],
        });
      }
      const answer = await app.call(method, path, { body: { ...body, colour: "red", size: 3 } });
      expect(answer.status).toBe(400);
      expect(answer.body.errors.map((error) => error.path)).toEqual(["colour", "size"]);
    });
  });

  it.each(WITH_ID)("$method $path answers 404 for what doesn't exist or can't be an id", async (route) => {
    const missing = await app.call(route.method, route.path, { body: route.body });
    expect(missing.status).toBe(404);
    expect(missing.body).toMatchObject({ code: "not_found", type: "about:blank", title: A_STRING });
    expect(missing.headers.get("x-ms-error-code")).toBe("not_found");
    expect(missing.headers.get("content-type")).toBe("application/problem+json");
    expect(missing.headers.get("cache-control")).toBe("no-store");
    for (const id of ["%2F", "a%20b", "-a", "%C3%A9", "x".repeat(129)]) {
      const answer = await app.call(route.method, route.path.replace("nothing", id), { body: route.body });
      expect({ ...answer.body, instance: "" }).toEqual({ ...missing.body, instance: "" });
    }
  });

  it("refuses JSON that no store keeps as it is", async () => {
    const deep = `{"manifestSnapshot":${"[".repeat(5000)}${"]".repeat(5000)}}`;
    const halfCharacter = '{"bodyMd":"\\ud800"}';
    const beyondDouble = '{"manifestSnapshot":{"n":1e999}}';
    const paths: string[] = [];
    for (const raw of [deep, halfCharacter, beyondDouble]) {
      const answer = await app.call("POST", POST_JOBS, { raw });
      expect([answer.status, answer.body.code]).toEqual([400, "validation_failed"]);
      paths.push(answer.body.errors[0]?.path.slice(0, 18) ?? "");
    }
    expect(paths).toEqual(["manifestSnapshot.0", "bodyMd", "manifestSnapshot.n"]);
  });

  it("names at most 20 errors, and cuts what is long", async () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}${"x".repeat(999)}`, n]));
    const { body } = await app.call("POST", POST_JOBS, { body: many });
    expect(body.errors).toHaveLength(20);
    expect(JSON.stringify(body).length).toBeLessThan(20_000);
  });
});
