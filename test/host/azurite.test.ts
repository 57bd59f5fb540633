import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { startAzurite } from "../../host/azurite.js";
import type { Azurite } from "../../host/azurite.js";
import { aFolder } from "../support/scratch.js";

/** What is appended to a URL to be let in: an account SAS, signed with the key of the connection string. */
function signatureFor({ connectionString }: Azurite): string {
  const [, account = ""] = /AccountName=([^;]+);/.exec(connectionString) ?? [];
  const [, key = ""] = /AccountKey=([^;]+);/.exec(connectionString) ?? [];
  const [sv, sp, ss, srt, se] = ["2024-11-04", "rcw", "b", "co", "2099-01-01T00:00:00Z"];
  const toSign = [account, sp, ss, srt, "", se, "", "", sv, "", ""].join("\n");
  const sig = createHmac("sha256", Buffer.from(key, "base64")).update(toSign, "utf8").digest("base64");
  return new URLSearchParams({ sv, sp, ss, srt, se, sig }).toString();
}

it("keeps a blob over a restart, for whoever signs with the key it gave out", async () => {
  const folder = await aFolder();
  const first = await startAzurite(folder);
  const sas = signatureFor(first);
  const made = await fetch(`${first.blobEndpoint}/box?restype=container&${sas}`, { method: "PUT" });
  expect(made.status).toBe(201);
  const put = await fetch(`${first.blobEndpoint}/box/note?${sas}`, {
    method: "PUT",
    headers: { "x-ms-blob-type": "BlockBlob" },
    body: "kept",
  });
  expect(put.status).toBe(201);
  await first.stop();

  const second = await startAzurite(folder);
  const got = await fetch(`${second.blobEndpoint}/box/note?${signatureFor(second)}`);
  expect(await got.text()).toBe("kept");
  expect((await fetch(`${second.blobEndpoint}/box/note`)).status).not.toBe(200);
  await second.stop();
});
