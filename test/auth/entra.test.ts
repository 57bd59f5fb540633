import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tokens } from "../../shared/auth/callers.js";
import { entraTokens } from "../../shared/auth/entra.js";
import { AUDIENCE, CLIENT, OBJECT, OTHER_TENANT, TENANT, aKey, anIssuer } from "../support/issuer.js";
import type { Issuer, SigningKey } from "../support/issuer.js";

const NOW_MS = Date.UTC(2026, 5, 1);
const NOW = NOW_MS / 1000;
/** A clock that differs by more lets nobody in. */
const SKEW = 60;

let issuer: Issuer;
let stranger: SigningKey;
let tokens: Tokens;
beforeAll(async () => {
  issuer = await anIssuer(() => NOW_MS);
  stranger = await aKey();
  const { authority } = issuer;
  tokens = entraTokens({ tenantId: TENANT, audience: AUDIENCE, authority }, { now: () => NOW_MS });
});
afterAll(() => issuer.stop());

const base64url = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const partsOf = (token: string): [string, string, string] => {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return [header, payload, signature];
};
const check = async (claims?: Readonly<Record<string, unknown>>, key?: SigningKey) =>
  tokens.check(await issuer.token(claims, key));
const refused = (why: string) => ({ kind: "refused", why });

describe("a token of the tenant for this audience", () => {
  it("says who calls, and what they may do", async () => {
    expect(await check()).toEqual({
      kind: "known",
      caller: { name: `entra:${OBJECT}`, roles: ["read"], products: ["acme"] },
    });
  });

  it("may be of version 1, which app registrations give unless told otherwise", async () => {
    const outcome = await check({
      iss: `https://sts.windows.net/${TENANT}/`,
      ver: "1.0",
      azp: undefined,
      appid: CLIENT,
      oid: undefined,
    });
    expect(outcome).toMatchObject({ kind: "known", caller: { name: `entra:${CLIENT}` } });
  });

  it.each([
    [
      ["Fleet.Submit", "Fleet.Factory", "Fleet.Read", "Fleet.Admin"],
      ["submit", "factory", "read", "admin"],
    ],
    [[], []],
    [undefined, []],
    ["Fleet.Admin", []],
    [{ 0: "Fleet.Admin" }, []],
    [["fleet.admin", "Fleet.admin", " Fleet.Admin", "Admin", "Fleet.Root", "Fleet.*", "*", 7, null, {}], []],
    [["Fleet.Root", "Fleet.Read"], ["read"]],
  ])("with the app roles %j has the roles %j: what is not known grants nothing", async (roles, granted) => {
    expect(await check({ roles })).toMatchObject({ kind: "known", caller: { roles: granted } });
  });

  it("is granted the products that it names one by one, and never all of them", async () => {
    const named = ["acme", "a:b.c_d-e", "*", "", "../acme", "a b", "-a", "x".repeat(129)];
    const roles = [...named.map((product) => `Fleet.Product.${product}`), "Fleet.Product", "fleet.product.x"];
    expect(await check({ roles })).toMatchObject({ caller: { products: ["acme", "a:b.c_d-e"] } });
  });

  it.each([["line\nbreak"], ["x".repeat(200)], [7], [{}], [""]])(
    "is told of in logs under no name that is not safe there: %j",
    async (oid) => {
      const outcome = await check({ oid });
      expect(outcome.kind === "known" && outcome.caller.name).toMatch(/^entra(?::[\w.:-]*)?$/);
    },
  );
});

describe("a token lets nobody in that", () => {
  it("is signed with another key, under a known key's name or its own", async () => {
    expect(await check({}, stranger)).toEqual(refused("bad_signature"));
    const claims = { iss: `${issuer.authority}/${TENANT}/v2.0`, aud: AUDIENCE, tid: TENANT, azp: CLIENT };
    const forged = await stranger.sign({ ...claims, exp: NOW + 60 }, { kid: issuer.keys[0]?.id });
    expect(await tokens.check(forged)).toEqual(refused("bad_signature"));
  });

  it("brings its own key along", async () => {
    const claims = { iss: `${issuer.authority}/${TENANT}/v2.0`, aud: AUDIENCE, tid: TENANT, azp: CLIENT };
    const header = { jwk: stranger.published, jku: "https://evil.example/keys", x5u: "https://evil.example" };
    const forged = await stranger.sign({ ...claims, exp: NOW + 60 }, { ...header, kid: issuer.keys[0]?.id });
    expect(await tokens.check(forged)).toEqual(refused("bad_signature"));
  });

  it.each(["none", "None", "NONE", "nOnE", ""])("says that it needs no signature: alg %j", async (alg) => {
    const [, payload, signature] = partsOf(await issuer.token());
    const header = base64url({ alg, typ: "JWT", kid: issuer.keys[0]?.id });
    for (const end of ["", signature])
      expect(await tokens.check(`${header}.${payload}.${end}`)).toEqual(refused("malformed"));
  });

  it.each(["HS256", "HS384", "HS512"])(
    "is signed with the public key as a shared secret: %s",
    async (alg) => {
      const [, payload] = partsOf(await issuer.token());
      const [key] = issuer.keys;
      const signed = `${base64url({ alg, typ: "JWT", kid: key?.id })}.${payload}`;
      for (const secret of [key?.pem ?? "", key?.pem.trim() ?? "", JSON.stringify(key?.published)]) {
        const signature = createHmac(alg.replace("HS", "sha"), secret).update(signed).digest("base64url");
        expect(await tokens.check(`${signed}.${signature}`)).toEqual(refused("malformed"));
      }
    },
  );

  it.each(["RS384", "RS512", "PS256", "ES256", "EdDSA"])("asks for another algorithm: %s", async (alg) => {
    const [, payload, signature] = partsOf(await issuer.token());
    const header = base64url({ alg, kid: issuer.keys[0]?.id });
    expect(await tokens.check(`${header}.${payload}.${signature}`)).toEqual(refused("malformed"));
  });

  it("was changed after it was signed", async () => {
    const [header, , signature] = partsOf(await issuer.token());
    const more = partsOf(await issuer.token({ roles: ["Fleet.Admin"] }))[1];
    expect(await tokens.check(`${header}.${more}.${signature}`)).toEqual(refused("bad_signature"));
  });

  it.each([
    [{ aud: "api://other" }, "wrong_audience"],
    [{ aud: [] }, "wrong_audience"],
    [{ aud: `${AUDIENCE}/` }, "wrong_audience"],
    [{ aud: undefined }, "malformed"],
    [{ iss: `https://login.microsoftonline.com/${TENANT}/v2.0` }, "wrong_issuer"],
    [{ iss: `https://sts.windows.net/${OTHER_TENANT}/`, tid: OTHER_TENANT }, "wrong_issuer"],
    [{ iss: undefined }, "malformed"],
    [{ tid: OTHER_TENANT }, "wrong_issuer"],
    [{ tid: undefined }, "wrong_issuer"],
    [{ exp: undefined }, "malformed"],
    [{ exp: "tomorrow" }, "malformed"],
    [{ nbf: "yesterday" }, "malformed"],
    // An ID token has no client.
    [{ azp: undefined, nonce: "n" }, "no_access_token"],
    [{ azp: { toString: "x" } }, "no_access_token"],
  ])("is genuine, but has %j", async (claims, why) => {
    expect(await check(claims)).toEqual(refused(why));
  });

  it("is of another tenant, whose tokens the same authority signs", async () => {
    const iss = `${issuer.authority}/${OTHER_TENANT}/v2.0`;
    expect(await check({ iss, tid: OTHER_TENANT })).toEqual(refused("wrong_issuer"));
  });

  it("is over, or has not begun: give or take a minute", async () => {
    expect(await check({ exp: NOW - SKEW + 1 })).toMatchObject({ kind: "known" });
    expect(await check({ exp: NOW - SKEW })).toEqual(refused("expired"));
    expect(await check({ nbf: NOW + SKEW })).toMatchObject({ kind: "known" });
    expect(await check({ nbf: NOW + SKEW + 1 })).toEqual(refused("not_yet_valid"));
  });

  it("is longer than any that there is", async () => {
    const roles = Array.from({ length: 2000 }, (_, n) => `Fleet.Product.p${n}`);
    expect(await check({ roles })).toEqual(refused("malformed"));
  });
});

describe("text that only looks like a token", () => {
  it("is refused whatever its parts are, and asks nothing of the issuer", async () => {
    const [header, payload, signature] = partsOf(await issuer.token());
    const asked = issuer.asked;
    const parts = [
      "",
      ".",
      "e30",
      "bnVsbA",
      "W10",
      "MQ",
      "IiI",
      "_w",
      "=",
      "\ud800",
      base64url("{".repeat(99)),
    ];
    for (const part of parts) {
      for (const text of [
        `${part}.${payload}.${signature}`,
        `${header}.${part}.${signature}`,
        `${header}.${payload}.${part}`,
        `${part}.${part}.${part}`,
        part,
      ]) {
        expect((await tokens.check(text)).kind, text).toBe("refused");
      }
    }
    expect(issuer.asked).toBe(asked);
  });

  it("is refused when one character of a good one is another, missing, or too many", async () => {
    const good = await issuer.token();
    for (let at = 0; at < good.length; at += 7) {
      const other = good[at] === "A" ? "B" : "A";
      for (const text of [
        good.slice(0, at) + other + good.slice(at + 1),
        good.slice(0, at) + good.slice(at + 1),
        `${good.slice(0, at)}.${good.slice(at)}`,
      ]) {
        expect((await tokens.check(text)).kind, text).toBe("refused");
      }
    }
  });
});
