import { describe, expect, test } from "vitest";
import { readSettings } from "../shared/settings.js";

const KEYS = JSON.stringify([{ name: "k", sha256: "0".repeat(64), products: ["*"], roles: ["read"] }]);
const EMULATOR = `AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/devstoreaccount1;`;
const ENDPOINT = "https://stfleet.blob.core.windows.net/";

function blobsOf(env: Record<string, string>) {
  const read = readSettings({ DB_PROVIDER: "memory", FLEET_API_KEYS: KEYS, ...env });
  if (read.kind === "wrong") throw new Error(JSON.stringify(read.problems));
  return read.settings.blobs;
}

describe("the place of artifacts", () => {
  test.each([
    ["nowhere, unless it is said", {}, undefined],
    [
      "an account, reached by identity",
      { BLOB_ENDPOINT: ENDPOINT },
      { kind: "identity", endpoint: ENDPOINT },
    ],
    [
      "the emulator where it always is",
      { AzureWebJobsStorage: "UseDevelopmentStorage=true" },
      { kind: "emulator", connectionString: "UseDevelopmentStorage=true" },
    ],
    [
      "the emulator where it is started",
      { AzureWebJobsStorage: EMULATOR },
      { kind: "emulator", connectionString: EMULATOR },
    ],
    [
      "the account before the host's own storage",
      { BLOB_ENDPOINT: ENDPOINT, AzureWebJobsStorage: EMULATOR },
      { kind: "identity", endpoint: ENDPOINT },
    ],
    [
      "not where only a real account's key leads",
      {
        AzureWebJobsStorage:
          "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;EndpointSuffix=core.windows.net",
      },
      undefined,
    ],
    [
      "not where an account only calls itself the emulator",
      { AzureWebJobsStorage: "DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey=a2V5" },
      undefined,
    ],
  ])("is %s", (_what, env: Record<string, string>, expected) => {
    expect(blobsOf(env)).toEqual(expected);
  });

  test("that is malformed is told with what it must be, and not with its value", () => {
    const read = readSettings({ DB_PROVIDER: "memory", FLEET_API_KEYS: KEYS, AzureWebJobsStorage: "s3cret" });
    expect(read).toEqual({
      kind: "wrong",
      problems: [
        {
          name: "AzureWebJobsStorage",
          message: "must be a connection string of a storage account, or UseDevelopmentStorage=true",
        },
      ],
    });
  });
});
