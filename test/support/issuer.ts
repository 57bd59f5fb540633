/** An issuer as Entra ID is one: real keys, published over real HTTP, and tokens signed with them. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";
import type { JWK, JWTPayload } from "jose";

export const TENANT = "11111111-2222-3333-4444-555555555555";
export const OTHER_TENANT = "99999999-2222-3333-4444-555555555555";
export const AUDIENCE = "api://fleet";
/** The object that signs in, and the client that it signs in with. */
export const OBJECT = "aaaaaaaa-0000-0000-0000-000000000001";
export const CLIENT = "cccccccc-0000-0000-0000-000000000001";

const LIFE_SECONDS = 3600;

/** A key that tokens are signed with. */
export interface SigningKey {
  readonly id: string;
  readonly sign: (claims: JWTPayload, header?: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly published: JWK;
  /** The public key as text, which anybody may have. */
  readonly pem: string;
}

let keys = 0;

/** A new key, as the library makes them; nobody believes it until an issuer publishes it. */
export async function aKey(): Promise<SigningKey> {
  const keyId = `key-${++keys}`;
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  return {
    id: keyId,
    // As Entra publishes them: without an algorithm.
    published: { ...(await exportJWK(publicKey)), kid: keyId, use: "sig" },
    pem: await exportSPKI(publicKey),
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: keyId, ...header })
        .sign(privateKey),
  };
}

export type Mood =
  | "well"
  /** It cuts every connection. */
  | "down"
  /** It takes requests, and answers none. */
  | "silent"
  | "failing"
  /** What it publishes is no set of keys. */
  | "confused";

export interface Issuer {
  readonly authority: string;
  /** What makes the coordinator believe it. */
  readonly settings: Readonly<Record<string, string>>;
  mood: Mood;
  /** The keys that it publishes. Tokens are signed with the first, unless told otherwise. */
  keys: SigningKey[];
  /** How often its keys were asked for. */
  asked: number;
  /** A token that is fine but for `claims`; one that is undefined is left out. */
  token(claims?: Readonly<Record<string, unknown>>, key?: SigningKey): Promise<string>;
  stop(): Promise<void>;
}

/** An issuer on this machine, with one key. `now` is its clock, in milliseconds. */
export async function anIssuer(now: () => number = () => Date.now()): Promise<Issuer> {
  const server = createServer((request, response) => {
    if (request.url !== `/${TENANT}/discovery/v2.0/keys`) {
      response.writeHead(404).end();
      return;
    }
    issuer.asked++;
    if (issuer.mood === "down") request.socket.destroy();
    else if (issuer.mood === "failing") response.writeHead(503).end();
    else if (issuer.mood === "confused") response.end('{"keys":{}}');
    else if (issuer.mood === "well") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ keys: issuer.keys.map(({ published }) => published) }));
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const authority = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: Issuer = {
    authority,
    settings: { ENTRA_TENANT_ID: TENANT, ENTRA_AUDIENCE: AUDIENCE, ENTRA_AUTHORITY: authority },
    mood: "well",
    keys: [await aKey()],
    asked: 0,
    token: async (claims = {}, key = issuer.keys[0]) => {
      if (key === undefined) throw new Error("there is no key to sign with");
      return key.sign({ ...claimsOf(authority, now()), ...claims });
    },
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return issuer;
}

/** As version 2 has them, for a service that may read everything of one product. */
function claimsOf(authority: string, nowMs: number): JWTPayload {
  const now = Math.floor(nowMs / 1000);
  return {
    aud: AUDIENCE,
    iss: `${authority}/${TENANT}/v2.0`,
    tid: TENANT,
    oid: OBJECT,
    sub: OBJECT,
    azp: CLIENT,
    ver: "2.0",
    roles: ["Fleet.Read", "Fleet.Product.acme"],
    iat: now,
    nbf: now,
    exp: now + LIFE_SECONDS,
  };
}
