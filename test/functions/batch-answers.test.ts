import azf from "@azure/functions";
import type { InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { toResults } from "../../functions/http/batch-answers.js";
import { handlerOf } from "../../functions/http/pipeline.js";
import { submitBatch } from "../../functions/submit-batch.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Store } from "../../shared/core/ports/store.js";
import { aDocument } from "../support/documents.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { aWorld } from "../support/world.js";

const lines: string[] = [];
const write = (line: string): void => void lines.push(line);
const fleet = {
  clock: { now: () => 0 },
  log: { decision: () => undefined, info: write, warn: write, error: write },
};

describe("a batch that was not done whole", () => {
  const refusal = { kind: "idempotency_conflict", jobId: "j1", stage: "assigned" } as const;

  it("tells each entry what became of it, and when to send it again", () => {
    const { status, headers, body } = toResults(fleet, "acme", [
      { kind: "created", job: aDocument.fleet_jobs() },
      refusal,
      { kind: "not_tried", because: { index: 1, refusal } },
      { kind: "store_failed", error: new StoreUnavailable("s3cret") },
      { kind: "store_failed", error: new StoreThrottled(3, new Error("s3cret")) },
      { kind: "not_tried" },
      { kind: "not_tried", because: { index: 7, refusal: { kind: "unknown_profile", profile: "p" } } },
    ]);
    expect([status, headers]).toEqual([200, { "retry-after": "3" }]);
    const { results } = body as { results: Record<string, unknown>[] };
    expect(results.map(({ outcome, error }) => outcome ?? error)).toMatchObject([
      "created",
      { status: 409, code: "idempotency_conflict", jobId: "j1", stage: "assigned" },
      {
        status: 409,
        code: "idempotency_conflict",
        detail: "Not tried: it depends on jobs.1, which was refused.",
      },
      { status: 503, code: "store_unavailable" },
      { status: 429, code: "throttled" },
      { status: 503, code: "store_unavailable" },
      { status: 400, code: "validation_failed" },
    ]);
    expect(JSON.stringify(body)).not.toContain("s3cret");
    expect(lines.join()).toContain("s3cret");
  });

  it("says nothing of sending it again where the store did not fail", () => {
    expect(toResults(fleet, "acme", [refusal]).headers).toBeUndefined();
  });
});

let instances = 0;

/** Sends a batch to its route, on this store. */
async function send(store: Store, jobs: readonly object[]) {
  const context = { info: write, warn: write, error: write } as unknown as InvocationContext;
  const handler = handlerOf(submitBatch, {
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
        roles: ["submit"],
      },
    ],
    routes: [submitBatch],
    fleet: () => Promise.resolve(aWorld(store, { name: `instance ${++instances}` }).fleet),
  });
  const request = new azf.HttpRequest({
    method: "POST",
    url: "http://localhost/fleet/jobs/batch",
    headers: { authorization: "Bearer key", "x-product-id": "acme", "content-type": "application/json" },
    body: { string: JSON.stringify({ jobs }) },
  });
  const { status, headers, body } = (await handler(request, context)) as Sent;
  return { status, headers, body: JSON.parse(body) as { code?: string; results: Result[] } };
}

interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
interface Result {
  readonly outcome?: string;
  readonly error?: { readonly status: number; readonly code: string };
}

onEachStore("POST /fleet/jobs/batch on a store that fails", (open) => {
  const jobs = ["c", "b", "a"].map((key, n, keys) => ({
    idempotencyKey: key,
    bodyMd: "",
    deps: keys.slice(n + 1, n + 2).map((dep) => `key:${dep}`),
  }));
  const failingAt = (store: Store, nth: number, error: Error) => {
    let creates = 0;
    return intercept(store, (call, proceed) =>
      call.method === "create" && call.container === "fleet_jobs" && ++creates >= nth
        ? Promise.reject(error)
        : proceed(),
    );
  };

  it("answers 200 with what was done and what was not, and is completed when it is sent again", async () => {
    const store = await open();
    const first = await send(failingAt(store, 2, new StoreThrottled(9)), jobs);
    expect([first.status, first.headers["retry-after"]]).toEqual([200, "9"]);
    expect(first.body.results.map(({ outcome, error }) => outcome ?? error?.status)).toEqual([
      503,
      429,
      "created",
    ]);
    const again = await send(store, jobs);
    expect(again.body.results.map(({ outcome }) => outcome)).toEqual(["created", "created", "existing"]);
    expect(again.headers["retry-after"]).toBeUndefined();
  });

  it("answers 429 or 503 where nothing was acknowledged", async () => {
    const store = await open();
    const throttled = await send(failingAt(store, 1, new StoreThrottled(9)), jobs);
    expect([throttled.status, throttled.headers["retry-after"]]).toEqual([429, "9"]);
    const unavailable = await send(failingAt(store, 1, new StoreUnavailable("down")), jobs);
    expect([unavailable.status, unavailable.body.code]).toEqual([503, "store_unavailable"]);
  });
});
