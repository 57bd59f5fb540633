import azf from "@azure/functions";
import { describe, expect, it } from "vitest";
import { Problem } from "../../functions/http/answer.js";
import { readJson } from "../../functions/http/body.js";
import { BODY_BYTES_MAX } from "../../shared/schema/limits.js";

/** What reading a body of this many bytes says, whatever length the headers claim. */
async function read(bytes: number, headers: Record<string, string> = {}) {
  const request = new azf.HttpRequest({
    method: "POST",
    url: "http://localhost/fleet/jobs",
    headers: { "content-type": "application/json", ...headers },
    body: { bytes: Buffer.from(`"${"x".repeat(bytes - 2)}"`) },
  });
  const answer = await readJson(request);
  return answer instanceof Problem ? answer.code : "read";
}

describe("a body", () => {
  it("is measured by its bytes where the headers claim nothing, or less", async () => {
    expect(await read(BODY_BYTES_MAX)).toBe("read");
    expect(await read(BODY_BYTES_MAX + 1)).toBe("body_too_large");
    expect(await read(BODY_BYTES_MAX + 1, { "content-length": "10" })).toBe("body_too_large");
  });

  it("is refused by its Content-Length alone, before it is read", async () => {
    expect(await read(10, { "content-length": String(BODY_BYTES_MAX + 1) })).toBe("body_too_large");
  });
});
