/** What must not be in a compiled template is found there. */
import { describe, expect, it } from "vitest";
import { secretsIn } from "../../infra/check/secrets.js";

const template = (value: unknown, parameters: unknown = {}): string =>
  JSON.stringify({ parameters, resources: [{ properties: { value } }] });

describe("a template", () => {
  it("may hold references, ids and secure parameters", () => {
    const secure = {
      apiKeys: { type: "securestring" },
      functionKeys: { type: "string", allowedValues: ["off"] },
    };
    const value = "[reference(resourceId('Microsoft.Storage/storageAccounts', 'x')).primaryEndpoints.blob]";
    expect(secretsIn(template(value, secure))).toEqual([]);
  });

  it.each([
    ["the keys of an account", "[listKeys(resourceId('x'), '2025-06-01').keys[0].value]"],
    ["a SAS of an account", "[listAccountSas('x', '2025-06-01', createObject()).accountSasToken]"],
    ["a connection string", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abc"],
    ["a signed URL", "https://x.blob.core.windows.net/c/b?sv=2025&sig=abc"],
    ["an account key", `${"A".repeat(86)}==`],
    ["the hash of an API key", "0123456789abcdef".repeat(4)],
    ["an instrumentation key", "InstrumentationKey=0"],
  ])("can't hold %s", (_what, value) => {
    expect(secretsIn(template(value))).not.toEqual([]);
  });

  it("can't take a secret as an open parameter, however deep", () => {
    const nested = { template: { parameters: { storageKey: { type: "string" } } } };
    expect(secretsIn(template(nested))).toEqual(["the parameter storageKey must be secure"]);
  });
});
