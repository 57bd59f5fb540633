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

  it("that is streamed without a length is read no further than the limit, though it never ends", async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536;
        // An end all the same, for code that would read on: the test fails by what was read.
        if (sent > 8 * BODY_BYTES_MAX) controller.close();
        else controller.enqueue(new Uint8Array(65_536));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    // As the library hands requests on where an app has them streamed.
    const nativeRequest = new Request("http://localhost/fleet/jobs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: endless,
      duplex: "half",
    });
    const request = new azf.HttpRequest({ nativeRequest } as never);
    const answer = await readJson(request);
    expect(answer instanceof Problem && answer.code).toBe("body_too_large");
    expect(sent).toBeLessThan(2 * BODY_BYTES_MAX);
    expect(cancelled).toBe(true);
  });

  it("is refused by its Content-Length alone, before it is read", async () => {
    expect(await read(10, { "content-length": String(BODY_BYTES_MAX + 1) })).toBe("body_too_large");
  });
});
