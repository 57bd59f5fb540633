import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { BlobOf } from "../../shared/core/ports/blobs.js";
import { StoreMisconfigured, StoreUnavailable } from "../../shared/core/ports/store.js";
import { openBlobArtifacts } from "../../shared/store/blob-artifacts.js";
import { startAzurite } from "../../host/azurite.js";
import { aFolder } from "../support/scratch.js";
import { uploadAs, withAzurite } from "../support/azurite.js";

const azurite = withAzurite();
const clock = { now: () => Date.now() };
const open = (connectionString = azurite().connectionString) =>
  openBlobArtifacts({ place: { kind: "emulator", connectionString }, clock });

const PUT = { method: "PUT", headers: { "x-ms-blob-type": "BlockBlob" } };
let names = 0;
const aBlob = (given: Partial<BlobOf> = {}): BlobOf => ({
  productId: "acme",
  jobId: "j1",
  leaseEpoch: 1,
  name: `log-${++names}.txt`,
  ...given,
});

/** The same signature on the address of another blob. */
function moved(url: string, from: string, to: string): string {
  expect(url).toContain(from);
  return url.replace(from, to);
}

describe("an upload URL", () => {
  it("takes the bytes of its blob, whose type and size are then what was sent", async () => {
    const blobs = open();
    const blob = aBlob();
    expect(await blobs.look(blob)).toBeUndefined();
    const upload = await blobs.uploadTo(blob, "text/plain; charset=utf-8");
    expect(await uploadAs(upload, "hällo")).toBe(201);
    expect(await blobs.look(blob)).toMatchObject({ contentType: "text/plain; charset=utf-8", sizeBytes: 6 });
  });

  it("runs out within a quarter of an hour", async () => {
    const { url, expiresAt } = await open().uploadTo(aBlob(), "text/plain");
    const inMs = Date.parse(expiresAt) - Date.now();
    expect(inMs).toBeGreaterThan(10 * 60_000);
    expect(inMs).toBeLessThanOrEqual(15 * 60_000);
    expect(new URL(url).searchParams.get("se")).toBe(expiresAt.replace(".000Z", "Z"));
  });

  it("is no longer taken when it has run out", async () => {
    const past = { now: () => Date.now() - 16 * 60_000 };
    const place = { kind: "emulator", connectionString: azurite().connectionString } as const;
    const upload = await openBlobArtifacts({ place, clock: past }).uploadTo(aBlob(), "text/plain");
    expect(await uploadAs(upload, "late")).toBe(403);
  });

  it("overwrites nothing: the first upload counts", async () => {
    const blobs = open();
    const blob = aBlob();
    const upload = await blobs.uploadTo(blob, "text/plain");
    expect(await uploadAs(upload, "first")).toBe(201);
    expect(await uploadAs(upload, "second")).toBe(403);
    expect(await uploadAs(await blobs.uploadTo(blob, "text/plain"), "third")).toBe(403);
    expect(await (await fetch((await blobs.downloadOf(blob)).url)).text()).toBe("first");
  });

  it("reads, lists, deletes and changes nothing", async () => {
    const blobs = open();
    const blob = aBlob();
    const { url } = await blobs.uploadTo(blob, "text/plain");
    await fetch(url, { ...PUT, body: "secret" });
    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(403);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
    expect(
      (await fetch(`${url}&comp=metadata`, { method: "PUT", headers: { "x-ms-meta-a": "b" } })).status,
    ).toBe(403);
    const { search } = new URL(url);
    const list = `${azurite().blobEndpoint}/artifacts${search}&restype=container&comp=list`;
    expect((await fetch(list)).status).toBe(403);
    expect((await fetch(`${azurite().blobEndpoint}/artifacts${search}&restype=container`, PUT)).status).toBe(
      403,
    );
  });

  it("is of one blob: no other name, epoch, job or product", async () => {
    const blobs = open();
    const blob = aBlob({ name: "mine" });
    const { url } = await blobs.uploadTo(blob, "text/plain");
    for (const to of ["acme/j1/1/yours", "acme/j1/2/mine", "acme/j2/1/mine", "other/j1/1/mine"]) {
      expect((await fetch(moved(url, "acme/j1/1/mine", to), { ...PUT, body: "x" })).status).toBe(403);
    }
  });
});

describe("a download URL", () => {
  it("reads its blob, as something to save, and does nothing else", async () => {
    const blobs = open();
    const [blob, other] = [aBlob({ name: "a.html" }), aBlob({ name: "b.html" })];
    await uploadAs(await blobs.uploadTo(blob, "text/html"), "<b>a</b>");
    await uploadAs(await blobs.uploadTo(other, "text/html"), "<b>b</b>");
    const { url, expiresAt } = await blobs.downloadOf(blob);
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(15 * 60_000);
    expect(await (await fetch(url)).text()).toBe("<b>a</b>");
    // Azurite signs the header, and does not send it.
    expect(new URL(url).searchParams.get("rscd")).toBe('attachment; filename="a.html"');
    expect((await fetch(moved(url, "a.html?", "b.html?"))).status).toBe(403);
    expect((await fetch(url, { ...PUT, body: "x" })).status).toBe(403);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
  });
});

describe("a blob", () => {
  it("is found by its digest, however many bytes it has", async () => {
    const blobs = open();
    const bytes = Buffer.alloc(9 * 1024 * 1024, "fleet");
    for (const body of [Buffer.from(""), bytes]) {
      const blob = aBlob();
      await uploadAs(await blobs.uploadTo(blob, "application/octet-stream"), body);
      const seen = await blobs.look(blob);
      const expected = createHash("sha256").update(body).digest("hex");
      expect(await blobs.sha256(blob, seen?.version ?? "")).toBe(expected);
    }
  });

  it("of another version than the one that was seen has no digest, nor has one that is not there", async () => {
    const blobs = open();
    const blob = aBlob();
    expect(await blobs.sha256(blob, '"0x1"')).toBeUndefined();
    await uploadAs(await blobs.uploadTo(blob, "text/plain"), "x");
    expect(await blobs.sha256(blob, '"0x1"')).toBeUndefined();
  });

  it.each([
    [aBlob({ name: "log." }), aBlob({ name: "log" })],
    [aBlob({ productId: "a.", name: "n" }), aBlob({ productId: "a", name: "n" })],
    [aBlob({ productId: "a:b", name: "n" }), aBlob({ productId: "a", jobId: "b", name: "n" })],
    [aBlob({ leaseEpoch: 1, name: "n" }), aBlob({ leaseEpoch: 11, name: "n" })],
  ])("is not another one, however alike their names: %o, %o", async (one, other) => {
    const blobs = open();
    await uploadAs(await blobs.uploadTo(one, "text/plain"), "one");
    expect(await blobs.look(other)).toBeUndefined();
    expect(await (await fetch((await blobs.downloadOf(one)).url)).text()).toBe("one");
  });
});

describe("deleteJobArtifacts", () => {
  it("deletes the blobs of all epochs of the job, and no other's; again it finds nothing", async () => {
    const blobs = open();
    const mine = [1, 2, 3].map((leaseEpoch) => aBlob({ jobId: "gone", leaseEpoch }));
    const others = [
      aBlob({ jobId: "gone2" }),
      aBlob({ jobId: "gon" }),
      aBlob({ productId: "other", jobId: "gone" }),
    ];
    for (const blob of [...mine, ...others]) await uploadAs(await blobs.uploadTo(blob, "text/plain"), "x");
    expect(await blobs.deleteJobArtifacts("acme", "gone")).toBe("all");
    for (const blob of mine) expect(await blobs.look(blob)).toBeUndefined();
    for (const blob of others) expect(await blobs.look(blob)).toBeDefined();
    expect(await blobs.deleteJobArtifacts("acme", "gone")).toBe("all");
  });

  it("of a job with very many says that there are more, until all are gone", async () => {
    const place = { kind: "emulator", connectionString: azurite().connectionString } as const;
    const blobs = openBlobArtifacts({ place, clock, deletedMax: 2 });
    const many = [1, 2, 3].map((leaseEpoch) => aBlob({ jobId: "many", leaseEpoch }));
    for (const blob of many) await uploadAs(await blobs.uploadTo(blob, "text/plain"), "x");
    expect(await blobs.deleteJobArtifacts("acme", "many")).toBe("some");
    expect(await blobs.deleteJobArtifacts("acme", "many")).toBe("all");
    for (const blob of many) expect(await blobs.look(blob)).toBeUndefined();
  });
});

describe("storage that does not do its part", () => {
  it("is unavailable when nobody answers, and misconfigured when it refuses the key", async () => {
    const { connectionString, blobEndpoint } = azurite();
    const nobody = connectionString.replace(blobEndpoint, "http://127.0.0.1:1/devstoreaccount1");
    await expect(open(nobody).ready()).rejects.toBeInstanceOf(StoreUnavailable);
    const wrongKey = connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${btoa("x".repeat(64))}`);
    const refused = open(wrongKey).ready();
    await expect(refused).rejects.toBeInstanceOf(StoreMisconfigured);
    await expect(refused).rejects.toThrow("Blob storage refuses access (403)");
  });

  it("is asked again after a failure", async () => {
    const folder = await aFolder();
    const first = await startAzurite(folder);
    await first.stop();
    const blobs = open(first.connectionString);
    await expect(blobs.ready()).rejects.toBeInstanceOf(StoreUnavailable);
    const again = await startAzurite(folder, Number(new URL(first.blobEndpoint).port));
    await blobs.ready();
    await again.stop();
  });
});
