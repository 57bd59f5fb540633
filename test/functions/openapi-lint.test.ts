import { createConfig, lintDocument, makeDocumentFromString, BaseResolver } from "@redocly/openapi-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";

describe("GET /fleet/openapi.json", () => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp("memory");
  });
  afterAll(() => app.stop());

  it("passes the linter's recommended rules without an error", async () => {
    const { text } = await app.call("GET", "/fleet/openapi.json", { key: null, product: null });
    const config = await createConfig({ extends: ["recommended"] });
    const document = makeDocumentFromString(text, "openapi.json");
    const problems = await lintDocument({ document, config, externalRefResolver: new BaseResolver() });
    const errors = problems.filter(({ severity }) => severity === "error");
    expect(errors.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
      [],
    );
  });
});
