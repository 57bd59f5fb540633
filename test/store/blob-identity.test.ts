/** Blob storage as on Azure, with an identity instead of a key: Azurite over TLS, which takes access tokens. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, expect, it } from "vitest";
import { startAzurite } from "../../host/azurite.js";
import type { Azurite } from "../../host/azurite.js";
import { StoreMisconfigured } from "../../shared/core/ports/store.js";
import { openBlobArtifacts } from "../../shared/store/blob-artifacts.js";
import { uploadAs } from "../support/azurite.js";
import { aFolder } from "../support/scratch.js";

const OBJECT_ID = "11111111-1111-4111-8111-111111111111";
const TENANT_ID = "22222222-2222-4222-8222-222222222222";
const BLOB = { productId: "acme", jobId: "j1", leaseEpoch: 1, name: "log.txt" };

let azurite: Azurite | undefined;
const authorities = getCACertificates("default");
afterEach(async () => {
  setDefaultCACertificates(authorities);
  await azurite?.stop();
  azurite = undefined;
});

/** Azurite with a certificate that this process trusts, and with the container that Bicep makes. */
async function anAccount({ container } = { container: true }): Promise<Azurite> {
  const folder = await aFolder();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject],
    { stdio: "ignore" },
  );
  setDefaultCACertificates([...authorities, readFileSync(cert, "utf8")]);
  azurite = await startAzurite(folder, 0, { cert, key });
  if (!container) return azurite;
  const { connectionString } = azurite;
  await openBlobArtifacts({
    place: { kind: "emulator", connectionString },
    clock: { now: () => Date.now() },
  }).ready();
  return azurite;
}

/** Whoever signs in with it is asked for a token as often as `asked` says. */
function anIdentity(audience = "https://storage.azure.com") {
  const asked: string[] = [];
  const getToken = (scope: string | string[]) => {
    asked.push(String(scope));
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = {
      aud: audience,
      iss: `https://sts.windows.net/${TENANT_ID}/`,
      ...{
        iat: nowSeconds - 60,
        nbf: nowSeconds - 60,
        exp: nowSeconds + 3600,
        oid: OBJECT_ID,
        tid: TENANT_ID,
      },
    };
    const parts = [{ alg: "none", typ: "JWT" }, claims, ""];
    const token = parts.map((part) =>
      Buffer.from(part === "" ? "x" : JSON.stringify(part)).toString("base64url"),
    );
    return Promise.resolve({ token: token.join("."), expiresOnTimestamp: Date.now() + 3600_000 });
  };
  return { asked, getToken };
}

it("signs URLs by a delegation key of the identity, which the account takes for what they are for", async () => {
  const { blobEndpoint: endpoint } = await anAccount();
  const credential = anIdentity();
  const blobs = openBlobArtifacts({
    place: { kind: "identity", endpoint, credential },
    clock: { now: () => Date.now() },
  });
  const upload = await blobs.uploadTo(BLOB, "text/plain");
  const signed = new URL(upload.url).searchParams;
  expect(Object.fromEntries(signed)).toMatchObject({
    skoid: OBJECT_ID,
    sktid: TENANT_ID,
    sp: "c",
    sr: "b",
    spr: "https",
  });
  expect(await uploadAs(upload, "hello")).toBe(201);
  expect(await uploadAs(upload, "again")).toBe(403);
  expect((await fetch(upload.url)).status).toBe(403);

  const download = await blobs.downloadOf(BLOB);
  expect(new URL(download.url).searchParams.get("sp")).toBe("r");
  expect(await (await fetch(download.url)).text()).toBe("hello");
  expect((await fetch(download.url, { method: "PUT", headers: upload.headers, body: "x" })).status).toBe(403);

  const seen = await blobs.look(BLOB);
  expect(await blobs.sha256(BLOB, seen?.version ?? "")).toMatch(/^2cf24dba5fb0a30e/);
  expect(await blobs.deleteJobArtifacts("acme", "j1")).toBe("all");
  expect(await blobs.look(BLOB)).toBeUndefined();
  expect(new Set(credential.asked)).toEqual(new Set(["https://storage.azure.com/.default"]));
});

it("asks for a delegation key when it needs one, and again before it would be over", async () => {
  const { blobEndpoint: endpoint } = await anAccount();
  const clock = { ms: Date.now(), now: () => clock.ms };
  const blobs = openBlobArtifacts({ place: { kind: "identity", endpoint, credential: anIdentity() }, clock });
  const keyOf = async (): Promise<string | null> =>
    new URL((await blobs.uploadTo(BLOB, "text/plain")).url).searchParams.get("ske");
  const [first, beside] = await Promise.all([keyOf(), keyOf()]);
  expect(beside).toBe(first);
  clock.ms += 3600_000;
  expect(await keyOf()).toBe(first);
  // A URL that is signed now would outlive the key.
  clock.ms = Date.parse(first ?? "") - 14 * 60_000;
  const [next, besideIt] = await Promise.all([keyOf(), keyOf()]);
  expect(Date.parse(next ?? "")).toBeGreaterThan(clock.ms + 15 * 60_000);
  expect(besideIt).toBe(next);
});

it("promises nothing for an identity that the account refuses", async () => {
  const { blobEndpoint: endpoint } = await anAccount();
  const credential = anIdentity("https://somewhere.else");
  const blobs = openBlobArtifacts({
    place: { kind: "identity", endpoint, credential },
    clock: { now: () => Date.now() },
  });
  await expect(blobs.ready()).rejects.toBeInstanceOf(StoreMisconfigured);
});

it("does not make the container, which is the template's: without it artifacts are misconfigured", async () => {
  const { blobEndpoint: endpoint } = await anAccount({ container: false });
  const blobs = openBlobArtifacts({
    place: { kind: "identity", endpoint, credential: anIdentity() },
    clock: { now: () => Date.now() },
  });
  const upload = await blobs.uploadTo(BLOB, "text/plain");
  expect(await uploadAs(upload, "hello")).toBe(404);
  await expect(blobs.look(BLOB)).rejects.toBeInstanceOf(StoreMisconfigured);
});
