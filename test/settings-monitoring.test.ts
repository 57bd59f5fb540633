import { describe, expect, it } from "vitest";
import { readSettings } from "../shared/settings.js";

const GUID = "00000000-1111-2222-3333-444444444444";
const KEY = `InstrumentationKey=${GUID}`;
const CONNECTION = `${KEY};IngestionEndpoint=https://weu-5.in.example.com/;LiveEndpoint=https://live.example.com/;ApplicationId=${GUID}`;
const keys = JSON.stringify([{ name: "k", sha256: "a".repeat(64), products: ["*"], roles: ["read"] }]);

/** What comes of the two settings, the others being right. */
function read(connection: string | undefined, authentication?: string) {
  return readSettings({
    DB_PROVIDER: "memory",
    FLEET_API_KEYS: keys,
    APPLICATIONINSIGHTS_CONNECTION_STRING: connection,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: authentication,
  });
}

describe("monitoring", () => {
  it("is off without a connection string", () => {
    for (const none of [undefined, ""]) {
      const outcome = read(none);
      expect(outcome.kind).toBe("ok");
      expect(outcome).not.toHaveProperty("settings.monitoring");
    }
  });

  it.each([
    ["with its own key", undefined, {}],
    ["as the identity that there is", "Authorization=AAD", { identity: {} }],
    ["as one identity of several", `Authorization=AAD;ClientId=${GUID}`, { identity: { clientId: GUID } }],
  ])("goes where the connection string says, %s", (_how, authentication, more) => {
    expect(read(CONNECTION, authentication)).toMatchObject({ kind: "ok" });
    expect(read(CONNECTION, authentication)).toHaveProperty("settings.monitoring", {
      connectionString: CONNECTION,
      ...more,
    });
  });

  it.each([
    ["nothing of the kind", "s3cret"],
    ["no key", "IngestionEndpoint=https://s3cret.example.com/"],
    ["a key that is no guid", "InstrumentationKey=s3cret"],
    ["a trailing semicolon, for which the exporter throws it all away", `${KEY};Extra=s3cret;`],
    ["an endpoint over http", `${KEY};IngestionEndpoint=http://s3cret.example.com/`],
    ["an endpoint that is no host", `${KEY};IngestionEndpoint=https://s3cret:pw@example.com/`],
    ["an endpoint with a query", `${KEY};IngestionEndpoint=https://s3cret.example.com/?a`],
    ["a line break", `${KEY};Extra=s3cret\nmore`],
  ])("is refused with %s, and the value is not repeated", (_what, connection) => {
    const outcome = read(connection);
    expect(outcome).toMatchObject({
      kind: "wrong",
      problems: [{ name: "APPLICATIONINSIGHTS_CONNECTION_STRING" }],
    });
    expect(JSON.stringify(outcome)).not.toContain("s3cret");
  });

  it.each(["s3cret", "Authorization=Key", "Authorization=AAD;ClientId=s3cret", "Authorization=AAD;"])(
    "is refused with an authentication string that the platform would not take: %s",
    (authentication) => {
      const outcome = read(CONNECTION, authentication);
      expect(outcome).toMatchObject({
        kind: "wrong",
        problems: [{ name: "APPLICATIONINSIGHTS_AUTHENTICATION_STRING" }],
      });
      expect(JSON.stringify(outcome)).not.toContain("s3cret");
    },
  );

  it("is refused where an identity is named, but nowhere to send to", () => {
    expect(read(undefined, "Authorization=AAD")).toEqual({
      kind: "wrong",
      problems: [
        {
          name: "APPLICATIONINSIGHTS_CONNECTION_STRING",
          message: "is not set, but APPLICATIONINSIGHTS_AUTHENTICATION_STRING is",
        },
      ],
    });
  });
});
