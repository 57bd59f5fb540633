/** REQUESTS_PER_CREDENTIAL_MAX: what one credential may have under way at a time. */
import { createHash } from "node:crypto";
import azf from "@azure/functions";
import type { InvocationContext } from "@azure/functions";
import { describe, expect, it, vi } from "vitest";
import { inFlight } from "../../functions/http/in-flight.js";
import { handlerOf } from "../../functions/http/pipeline.js";
import { openapi } from "../../functions/openapi.js";
import { stats } from "../../functions/stats.js";
import type { Fleet } from "../../shared/core/fleet.js";

const sha256 = (key: string): string => createHash("sha256").update(key, "utf8").digest("hex");
const context = { info: () => 0, warn: () => 0, error: () => 0 } as unknown as InvocationContext;

/** Two credentials, each with one request at a time, before a store that answers when the test says so. */
function anInstance(max = 1, holds = false) {
  const stores: PromiseWithResolvers<Fleet>[] = [];
  const pauses: { readonly ms: number; readonly end: () => void }[] = [];
  const backend = {
    clock: { now: () => 0 },
    ids: { unique: () => "id-1" },
    pause: () => Promise.resolve(),
    misconfigured: undefined,
    credentials: ["a", "b"].map((name) => ({
      ...{ name, sha256: sha256(name), products: ["*"], roles: ["read"] as const },
    })),
    inFlight: inFlight(max, (ms) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      pauses.push({
        ms,
        end: () => {
          resolve(undefined);
        },
      });
      return holds ? promise : Promise.resolve();
    }),
    routes: [stats, openapi],
    fleet: () => {
      const store = Promise.withResolvers<Fleet>();
      stores.push(store);
      return store.promise;
    },
  };
  const call = async (key: string, path = "/fleet/stats", product = "acme") => {
    const request = new azf.HttpRequest({
      method: "GET",
      url: `http://localhost${path}`,
      headers: { authorization: `Bearer ${key}`, "x-product-id": product },
    });
    const route = path === "/fleet/stats" ? stats : openapi;
    const { status, headers } = await handlerOf(route, backend)(request, context);
    return { status, headers: headers as Record<string, string> };
  };
  /** Every request that is under way fails. */
  const fail = (): void => {
    for (const store of stores.splice(0)) store.reject(new Error("broken"));
  };
  return { call, fail, pauses };
}

describe("a credential with as many requests under way as it may have", () => {
  it("is answered 429 with Retry-After, while others and the open routes are served", async () => {
    const { call, fail } = anInstance();
    const first = call("a");
    const refused = await call("a");
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({ "retry-after": "1", "x-ms-error-code": "throttled" });
    const other = call("b");
    expect((await call("a", "/fleet/openapi.json")).status).toBe(200);
    fail();
    expect([(await first).status, (await other).status]).toEqual([500, 500]);
  });

  it("has its place back whether a request was answered, refused or broke", async () => {
    const { call, fail } = anInstance();
    // Refused after it was counted: the product is none.
    expect((await call("a", "/fleet/stats", "")).status).toBe(400);
    for (let round = 0; round < 3; round++) {
      const under = call("a");
      expect((await call("a")).status).toBe(429);
      fail();
      expect((await under).status).toBe(500);
    }
  });

  it("is counted exactly: of 5 at once with 3 allowed, 2 are refused", async () => {
    const { call, fail } = anInstance(3);
    const all = Array.from({ length: 5 }, () => call("a"));
    await Promise.all(all.slice(3));
    fail();
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([500, 500, 500, 429, 429]);
  });

  it("is held for half a second, so that a client that doesn't wait is slow; but not more than a hundred are", async () => {
    const { call, fail, pauses } = anInstance(1, true);
    const first = call("a");
    const refused = Array.from({ length: 130 }, () => call("a"));
    // 30 of them are answered, while the others are held.
    expect((await Promise.all(refused.slice(100))).map(({ status }) => status)).toEqual(Array(30).fill(429));
    const waits = pauses.map(({ ms }) => ms);
    expect(waits).toHaveLength(100);
    // Within what Retry-After asks for, and no two at once.
    for (const ms of waits) expect(ms).toSatisfy((each: number) => each >= 500 && each <= 1000);
    expect(new Set(waits).size).toBe(100);
    const held = Promise.race(refused.slice(0, 100));
    expect(await Promise.race([held, Promise.resolve("held")])).toBe("held");
    for (const { end } of pauses) end();
    expect((await Promise.all(refused)).every(({ status }) => status === 429)).toBe(true);
    // Their places are free again.
    const last = call("a");
    await vi.waitUntil(() => pauses.length === 101);
    pauses.at(-1)?.end();
    expect((await last).status).toBe(429);
    fail();
    await first;
  });

  it("doesn't exist where the setting is 0", async () => {
    const { call, fail } = anInstance(0);
    const all = Array.from({ length: 300 }, () => call("a"));
    // Each of them came as far as the store.
    await new Promise((resolve) => setImmediate(resolve));
    fail();
    expect(new Set((await Promise.all(all)).map(({ status }) => status))).toEqual(new Set([500]));
  });
});
