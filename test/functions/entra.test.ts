/** Access tokens over HTTP, from an issuer with real keys; beside API keys, and alone. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Answered } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aSubmission } from "../support/http-fleet.js";
import { OBJECT, aKey, anIssuer } from "../support/issuer.js";
import type { Issuer } from "../support/issuer.js";
import { decisionsIn } from "../support/watched-app.js";

let issuer: Issuer;
let app: HttpApp;
beforeEach(async () => {
  issuer = await anIssuer();
  app = await startApp("memory", issuer.settings);
});
afterEach(async () => {
  await app.stop();
  await issuer.stop();
});

/** A call with this token; to list jobs of `acme`, unless told otherwise. */
async function callWith(token: string, sent: { product?: string; body?: unknown } = {}): Promise<Answered> {
  const headers = { authorization: `Bearer ${token}` };
  const method = sent.body === undefined ? "GET" : "POST";
  return app.call(method, "/fleet/jobs", { ...sent, key: null, headers });
}
const outcomeOf = ({ status, body }: Answered): unknown[] => (status === 200 ? [200] : [status, body.code]);

describe("a caller with an access token", () => {
  it("is let in, while API keys go on working", async () => {
    expect(outcomeOf(await callWith(await issuer.token()))).toEqual([200]);
    expect(outcomeOf(await app.call("GET", "/fleet/jobs", { key: "read" }))).toEqual([200]);
    expect(outcomeOf(await callWith("unknown-key"))).toEqual([401, "unauthenticated"]);
  });

  it("may do what its app roles say, in the products that they name, and nothing else", async () => {
    const body = aSubmission();
    const producer = await issuer.token({ roles: ["Fleet.Submit", "Fleet.Product.acme"] });
    expect((await callWith(producer, { body })).status).toBe(201);
    expect(outcomeOf(await callWith(producer))).toEqual([403, "forbidden"]);
    expect(outcomeOf(await callWith(producer, { body, product: "other" }))).toEqual([403, "forbidden"]);
    const roleless = await issuer.token({ roles: ["Fleet.Product.acme"] });
    const productless = await issuer.token({ roles: ["Fleet.Admin"] });
    const everything = await issuer.token({ roles: ["Fleet.Admin", "Fleet.Product.*"] });
    for (const token of [roleless, productless, everything, await issuer.token({ roles: undefined })])
      expect(outcomeOf(await callWith(token))).toEqual([403, "forbidden"]);
  });

  it("is named in the log by its object's id, beside what it did; the token is nowhere", async () => {
    const token = await issuer.token({ roles: ["Fleet.Submit", "Fleet.Product.acme"] });
    await callWith(token, { body: aSubmission() });
    await app.call("POST", "/fleet/jobs", { key: "submit", body: aSubmission() });
    const expired = await issuer.token({ exp: 1 });
    await callWith(expired);
    issuer.mood = "down";
    await callWith(await issuer.token({}, await aKey()));
    expect(decisionsIn(app.log).map(({ caller }) => caller)).toEqual([`entra:${OBJECT}`, "submit"]);
    for (const part of [...token.split("."), ...expired.split(".")])
      expect(app.log.join("\n")).not.toContain(part);
  });

  it.each([
    ["The token has expired.", { exp: 1 }],
    ["The token is not valid yet.", { nbf: 4_000_000_000 }],
    ["The token is for another audience.", { aud: "api://other" }],
    ["The token is of another issuer or tenant.", { iss: "https://login.microsoftonline.com/x/v2.0" }],
    ["The token is no access token.", { azp: undefined }],
  ])("is told what is wrong: %s", async (detail, claims) => {
    const answer = await callWith(await issuer.token(claims));
    expect([...outcomeOf(answer), answer.body.detail]).toEqual([401, "unauthenticated", detail]);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
  });

  it("is unknown when the token is forged or garbage", async () => {
    const good = await issuer.token();
    const [header, payload] = good.split(".");
    for (const token of [await issuer.token({}, await aKey()), `${header}.${payload}.`, "a.b.c", `${good}x`])
      expect(outcomeOf(await callWith(token))).toEqual([401, "unauthenticated"]);
  });

  it("is refused with a token that no header carries, before the app hears of it", async () => {
    const token = await issuer.token({ roles: Array(3000).fill("Fleet.Read") });
    const headers = { authorization: `Bearer ${token}`, "x-product-id": "acme" };
    const { status } = await fetch(`${app.url}/fleet/jobs`, { headers });
    expect(status).toBe(431);
  });

  it("is told to come back while the issuer's keys can't be had; API keys don't mind; and it recovers", async () => {
    issuer.mood = "down";
    const token = await issuer.token();
    const answer = await callWith(token);
    expect(outcomeOf(answer)).toEqual([503, "store_unavailable"]);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(answer.body.detail).toBe("The token can't be checked: its issuer does not answer.");
    expect(JSON.stringify(answer.body)).not.toContain("127.0.0.1");
    expect(app.log.join("\n")).toContain("a token can't be checked");
    expect((await app.call("GET", "/fleet/jobs", { key: "read" })).status).toBe(200);
    issuer.mood = "well";
    app.advance(5);
    expect((await callWith(token)).status).toBe(200);
    // From here on it may be down: the keys are known.
    issuer.mood = "down";
    app.advance(1200);
    expect((await callWith(token)).status).toBe(200);
  });

  it("is let in under a key that the issuer has changed to", async () => {
    expect((await callWith(await issuer.token())).status).toBe(200);
    issuer.keys = [await aKey()];
    app.advance(31);
    expect((await callWith(await issuer.token())).status).toBe(200);
  });
});

describe("without the settings", () => {
  it("a token is a key that nobody knows, and the issuer is not asked", async () => {
    await app.stop();
    app = await startApp("memory");
    const answer = await callWith(await issuer.token());
    expect([...outcomeOf(answer), answer.body.detail]).toEqual([
      401,
      "unauthenticated",
      "The key is not known.",
    ]);
    expect(issuer.asked).toBe(0);
  });

  it("of keys, tokens alone let callers in", async () => {
    await app.stop();
    app = await startApp("memory", { ...issuer.settings, FLEET_API_KEYS: undefined });
    expect((await callWith(await issuer.token())).status).toBe(200);
    expect(outcomeOf(await app.call("GET", "/fleet/jobs", { key: "admin" }))).toEqual([
      401,
      "unauthenticated",
    ]);
  });
});

describe("an app with wrong settings of the tenant", () => {
  it.each(["ENTRA_TENANT_ID", "ENTRA_AUDIENCE", "ENTRA_AUTHORITY"])(
    "lets nobody in, and names %s",
    async (name) => {
      await app.stop();
      app = await startApp("memory", { ...issuer.settings, [name]: "s3 cret" });
      for (const answer of [await app.call("GET", "/fleet/jobs"), await callWith(await issuer.token())]) {
        expect(outcomeOf(answer)).toEqual([503, "misconfigured"]);
        expect(answer.body.detail).toMatch(new RegExp(`^${name} must `));
        expect(answer.text).not.toContain("s3 cret");
      }
    },
  );
});
