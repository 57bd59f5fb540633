import azf from "@azure/functions";
import type { InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { getJob } from "../../functions/get-job.js";
import { health } from "../../functions/health.js";
import { handlerOf } from "../../functions/http/pipeline.js";
import type { Backend } from "../../functions/http/pipeline.js";
import type { Route } from "../../functions/http/route.js";
import type { Fleet } from "../../shared/core/fleet.js";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";

const never = new Promise<never>(() => undefined);

/** Calls a route whose fleet does as `fleet` says. */
async function callWith(route: Route, fleet: () => Promise<Fleet>) {
  const log: string[] = [];
  const backend: Backend = {
    clock: { now: () => 0 },
    ids: { unique: () => "id-1" },
    pause: () => Promise.resolve(),
    misconfigured: undefined,
    // SHA-256 of "key".
    credentials: [
      {
        name: "test",
        sha256: "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683",
        products: ["*"],
        roles: ["admin"],
      },
    ],
    routes: [route],
    fleet,
  };
  const request = new azf.HttpRequest({
    method: "GET",
    url: `http://localhost${route.path}`,
    headers: { authorization: "Bearer key", "x-product-id": "acme" },
    params: { id: "j1" },
  });
  const line = (...args: unknown[]): void => void log.push(args.join(" "));
  const context = { info: line, warn: line, error: line } as unknown as InvocationContext;
  const response = await handlerOf(route, backend)(request, context);
  const headers = response.headers as Record<string, string>;
  return { status: response.status, headers, text: response.body as string, log: log.join("\n") };
}

const failing = (error: unknown) => (): Promise<never> => {
  throw error;
};

describe("what goes wrong behind a route", () => {
  it("is 429 with the store's Retry-After, in whole seconds, when the store throttles", async () => {
    const answer = await callWith(getJob, failing(new StoreThrottled(1.2, new Error("s3cret"))));
    expect(answer.status).toBe(429);
    expect(answer.headers["retry-after"]).toBe("2");
    expect(answer.headers["x-ms-error-code"]).toBe("throttled");
    expect(answer.text).not.toContain("s3cret");
    expect(answer.log).toContain("s3cret");
  });

  it("is 503 with Retry-After when nobody knows whether a write happened", async () => {
    const answer = await callWith(getJob, failing(new StoreUnavailable("s3cret")));
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ "retry-after": "1", "x-ms-error-code": "store_unavailable" });
    expect(answer.text).not.toContain("s3cret");
    expect(answer.log).toContain("s3cret");
  });

  it("is 503 misconfigured, with what is wrong, when the store can't be used as it is set up", async () => {
    const answer = await callWith(
      getJob,
      failing(new StoreMisconfigured("must be Strong", new Error("s3cret"))),
    );
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({ code: "misconfigured", detail: "must be Strong" });
    expect(answer.text).not.toContain("s3cret");
  });

  it.each([new TypeError("s3cret"), "s3cret", { s3cret: 1 }])(
    "is 500 without a word on it for anything else, and the log has it all",
    async (error) => {
      const answer = await callWith(getJob, failing(error));
      expect(answer.status).toBe(500);
      expect(JSON.parse(answer.text)).toEqual({
        type: "about:blank",
        title: "Something went wrong here",
        status: 500,
        detail: "The log tells more, under this request's id.",
        instance: "id-1",
        code: "internal_error",
      });
      expect(answer.log).not.toBe("");
    },
  );

  it("is a health of 503 when the store takes longer than 2 s", async () => {
    const hanging = { store: { ping: () => never } } as unknown as Fleet;
    const answer = await callWith(health, () => Promise.resolve(hanging));
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ "retry-after": "1", "x-ms-error-code": "store_unavailable" });
    expect((await callWith(health, () => never)).status).toBe(503);
  });
});
