import { describe, expect, test } from "vitest";
import { aHost, raw } from "./fixtures/hosted.js";

async function get(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  expect(response.status).toBe(200);
  return response.json();
}

describe("routes", () => {
  test("are tried in the order of the functions' names, as on the real host, whatever their templates", async () => {
    const { url } = (await aHost()).host;
    expect(await get(`${url}/things/special`)).toEqual({ name: "literal", params: {} });
    expect(await get(`${url}/things/7`)).toEqual({ name: "parameter", params: { id: "7" } });
    expect(await get(`${url}/things/7/parts/8`)).toEqual({ name: "nested", params: { id: "7", part: "8" } });
    expect(await get(`${url}/things/7/other`)).toEqual({
      name: "zz-rest",
      params: { rest: "things/7/other" },
    });
    expect(await get(`${url}/`)).toEqual({ name: "zz-rest", params: { rest: "" } });
    // A catch-all hides what is named after it, here as in the cloud.
    expect(await get(`${url}/hidden/7`)).toEqual({ name: "zz-rest", params: { rest: "hidden/7" } });
  });

  test("literals match whatever their case, and a slash at the end changes nothing", async () => {
    const { url } = (await aHost()).host;
    expect(await get(`${url}/THINGS/Special`)).toMatchObject({ name: "literal" });
    expect(await get(`${url}/things/Seven/`)).toEqual({ name: "parameter", params: { id: "Seven" } });
  });

  test("parameters are decoded, but for the slash", async () => {
    const { url } = (await aHost()).host;
    expect(await get(`${url}/things/a%20b%2Fc%C3%A9`)).toMatchObject({ params: { id: "a b%2Fcé" } });
    expect(await get(`${url}/things/100%25`)).toMatchObject({ params: { id: "100%" } });
    expect(await get(`${url}/things/%ff`)).toMatchObject({ params: { id: "%ff" } });
  });

  test("a function that does not take the method is not there: the next best answers", async () => {
    const { url } = (await aHost()).host;
    const response = await fetch(`${url}/things/special`, { method: "DELETE" });
    expect(await response.json()).toMatchObject({ name: "zz-rest" });
  });

  test("the prefix of host.json comes before every route", async () => {
    const { url } = (await aHost({ routePrefix: "api" })).host;
    expect(await get(`${url}/api/things/7`)).toMatchObject({ name: "parameter" });
    expect((await fetch(`${url}/things/7`)).status).toBe(404);
  });

  test("a path that nobody answers gets a problem document", async () => {
    const { url } = (await aHost()).host;
    const response = await fetch(`${url}/nowhere`, { method: "PATCH", headers: { "x-request-id": "r-1" } });
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("x-ms-error-code")).toBe("not_found");
    expect(response.headers.get("x-request-id")).toBe("r-1");
    expect(await response.json()).toEqual({
      type: "about:blank",
      title: "There is no such thing",
      status: 404,
      detail: "No function answers this method and path.",
      instance: "r-1",
      code: "not_found",
    });
  });

  test("a request id that is not safe to repeat is replaced", async () => {
    const { url } = (await aHost()).host;
    const headers = { "x-request-id": "a b" };
    const response = await fetch(`${url}/nowhere`, { method: "PATCH", headers });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("requests", () => {
  test("a function sees method, URL, parameters, headers and body as they were sent", async () => {
    const { url } = (await aHost()).host;
    const init = { method: "PUT", headers: { "x-test": "yes" }, body: "hällo" };
    const response = await fetch(`${url}/echo/1?a=b`, init);
    expect(response.headers.get("x-method")).toBe("PUT");
    expect(await response.json()).toEqual({
      url: `${url}/echo/1?a=b`,
      params: { id: "1" },
      query: { a: "b" },
      header: "yes",
      body: "hällo",
    });
  });

  test("what was sent several times arrives joined by commas, as in Azure", async () => {
    const { host } = await aHost();
    expect(await get(`${host.url}/echo/1?a=1&b=&a=2`)).toMatchObject({ query: { a: "1,2", b: "" } });
    const lines = ["GET /echo/1 HTTP/1.1", "host: h", "x-test: 1", "x-test: 2", "connection: close", "", ""];
    expect(await raw(host.url, lines.join("\r\n"))).toContain('"header":"1,2"');
  });

  test("a GET that carries a body is answered all the same", async () => {
    const { host } = await aHost();
    const head = "GET /echo/1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    expect(await raw(host.url, head)).toMatch(/^HTTP\/1.1 200 /);
  });

  test("an expectation that nobody knows is passed over, as in Azure", async () => {
    const { host } = await aHost();
    const head =
      "POST /length HTTP/1.1\r\nhost: h\r\nconnection: close\r\nexpect: tea\r\ncontent-length: 2\r\n\r\n{}";
    expect(await raw(host.url, head)).toMatch(/^HTTP\/1.1 200 /);
  });

  test("a body that comes in chunks arrives whole", async () => {
    const { url } = (await aHost()).host;
    const body = ReadableStream.from([Buffer.from("one "), Buffer.from("two")]);
    const response = await fetch(`${url}/echo/1`, { method: "POST", body, duplex: "half" });
    expect(await response.json()).toMatchObject({ body: "one two" });
  });

  test("bytes that are no text survive both ways", async () => {
    const { url } = (await aHost()).host;
    const body = Uint8Array.from({ length: 256 }, (_, index) => index);
    const response = await fetch(`${url}/binary`, { method: "POST", body });
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(body.toReversed());
  });

  test("a connection serves one request after the other", async () => {
    const { host } = await aHost();
    const one = "POST /length HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc";
    const two = "POST /length HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 1\r\n\r\na";
    const answers = await raw(host.url, one + two);
    expect(answers.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
  });
});

describe("answers", () => {
  test("status, headers, cookies and body go out as the function gave them", async () => {
    const { url } = (await aHost()).host;
    const response = await fetch(`${url}/created`, { method: "POST" });
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe("/things/1");
    expect(response.headers.get("etag")).toBe('"1"');
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("content-length")).toBe("11");
    expect(response.headers.getSetCookie()).toEqual([
      "a=1%202; max-age=60; path=/; samesite=lax; httponly",
      "b=2; path=/things; secure; samesite=none",
    ]);
    expect(await response.json()).toEqual({ ok: true });
  });

  test("an answer without a body has none", async () => {
    const { url } = (await aHost()).host;
    const response = await fetch(`${url}/unchanged`);
    expect([response.status, await response.text()]).toEqual([304, ""]);
    const nothing = await fetch(`${url}/nothing`, { method: "POST" });
    expect([nothing.status, await nothing.text()]).toEqual([204, ""]);
  });

  test("a function that throws gives 500 and tells the caller nothing; the log has one line of it", async () => {
    const { host, lines } = await aHost();
    const response = await fetch(`${host.url}/throws`);
    expect([response.status, await response.text()]).toEqual([500, ""]);
    expect(response.headers.get("x-request-id")).not.toBeNull();
    expect(lines).toEqual([
      "warning throws: about to break",
      expect.stringMatching(/^error throws failed: Error: a secret detail \| at /),
    ]);
  });
});

describe("requests that are too large or no HTTP", () => {
  const MIB = 1024 * 1024;

  test("a body of the limit arrives, and of one that is larger enough for the app to refuse it", async () => {
    const { url } = (await aHost()).host;
    const post = async (size: number): Promise<unknown[]> => {
      const response = await fetch(`${url}/length`, { method: "POST", body: Buffer.alloc(size) });
      return [response.status, await response.text()];
    };
    expect(await post(MIB)).toEqual([200, String(MIB)]);
    for (const size of [MIB + 1, MIB + 2, 8 * MIB]) expect(await post(size)).toEqual([413, "too large"]);
  });

  test("a client that never stops sending still gets the app's answer, and is cut off", async () => {
    const { host } = await aHost();
    const head = `POST /length HTTP/1.1\r\nhost: h\r\ncontent-length: ${100 * MIB}\r\n\r\n`;
    expect(await raw(host.url, head + "x".repeat(2 * MIB))).toMatch(/^HTTP\/1.1 413 /);
  });

  test("headers that are too large get a problem document", async () => {
    const { host } = await aHost();
    const headers = { "x-large": "x".repeat(40_000) };
    const response = await fetch(`${host.url}/things/1`, { headers });
    expect(response.status).toBe(431);
    expect(response.headers.get("x-ms-error-code")).toBe("headers_too_large");
    expect(response.headers.get("x-request-id")).not.toBeNull();
    expect(await response.json()).toMatchObject({ code: "headers_too_large", status: 431 });
  });

  test.each([
    ["is not HTTP", "hello\r\n\r\n"],
    ["names no host", "GET /things/1 HTTP/1.1\r\nconnection: close\r\n\r\n"],
    ["names two hosts", "GET /things/1 HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n"],
    ["names a host that is none", "GET /things/1 HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n"],
    [
      "has a broken chunk",
      "POST /length HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n",
    ],
  ])("what %s is refused with 400, and the host goes on", async (_, text) => {
    const { host } = await aHost();
    const answer = await raw(host.url, text);
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request/);
    expect(answer).toContain("x-ms-error-code: validation_failed");
    expect((await fetch(`${host.url}/things/1`)).status).toBe(200);
  });
});
