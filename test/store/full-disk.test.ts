import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as System from "../../shared/system.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct } from "../support/http-fleet.js";
import type { Product } from "../support/http-fleet.js";
import { aFolder } from "../support/scratch.js";

// A store that gives no answer is asked again for some two seconds: here without the waits.
vi.mock("../../shared/system.js", async (original) => ({
  ...(await original<typeof System>()),
  systemPause: () => Promise.resolve(),
}));

let app: HttpApp;
let product: Product;
/** The connection that the app itself has opened. */
let db: DatabaseSync;

beforeEach(async () => {
  const opened = vi.spyOn(DatabaseSync.prototype, "exec");
  app = await startApp("memory", { DB_PROVIDER: "sqlite", SQLITE_PATH: join(await aFolder(), "fleet.db") });
  product = aProduct(app);
  await product.factory("f1", { seatLimit: 1000 });
  db = opened.mock.contexts[0] as DatabaseSync;
  opened.mockRestore();
});
afterEach(async () => {
  await app.stop();
});

const bodyMd = "Build it, and all of it. ".repeat(200);
const submission = (n: number) => ({ idempotencyKey: `job-${n}`, bodyMd });
/** Submits these at once; gives the ids of those that were accepted, and how many were not. */
async function submitAll(from: number, to: number): Promise<{ accepted: string[]; refused: number[] }> {
  const [accepted, refused]: [string[], number[]] = [[], []];
  const one = async (n: number) => {
    const answer = await product.call("POST", "/fleet/jobs", { body: submission(n) });
    if (answer.status === 201) {
      accepted.push(answer.body.job.id);
      return;
    }
    expect(answer).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    refused.push(n);
  };
  await Promise.all(Array.from({ length: to - from }, (_, n) => one(from + n)));
  return { accepted, refused };
}

async function shipAll(): Promise<Set<string>> {
  const shipped = new Set<string>();
  for (;;) {
    const { body } = await product.call("POST", "/fleet/claim", { body: { factoryId: "f1" } });
    if (body.job === (null as unknown)) return shipped;
    const { id, leaseEpoch } = body.job;
    const done = { factoryId: "f1", leaseEpoch, stage: "shipped" };
    const answer = await product.call("PATCH", `/fleet/jobs/${id}`, { body: done });
    expect(answer.status).toBe(200);
    shipped.add(id);
  }
}

describe.each([
  // It never goes below the pages that there are: not one more.
  {
    disk: "is full",
    why: "the disk is full",
    atLeast: 2,
    break: "PRAGMA max_page_count = 1",
    mend: "PRAGMA max_page_count = 1000000",
  },
  {
    disk: "is read-only",
    why: "the database is read-only",
    atLeast: 6,
    break: "PRAGMA query_only = ON",
    mend: "PRAGMA query_only = OFF",
  },
])("when the disk $disk", ({ break: breaks, mend, why, atLeast }) => {
  it("a request is told 503 and when to come back, what was acknowledged stays, and all goes on when that is over", async () => {
    const before = await submitAll(0, 20);
    expect(before.refused).toEqual([]);
    db.prepare(breaks).all();
    // A few may yet find a free page; each answer counts.
    const meanwhile = await submitAll(20, 40);
    expect(meanwhile.refused.length).toBeGreaterThan(0);
    expect(app.log.join("\n")).toContain(why);
    for (const id of [...before.accepted, ...meanwhile.accepted])
      expect((await product.call("GET", `/fleet/jobs/${id}`)).body.stage).toBe("queued");

    db.prepare(mend).all();
    const again = await Promise.all(
      meanwhile.refused.map((n) => product.call("POST", "/fleet/jobs", { body: submission(n) })),
    );
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([201]));
    expect((await shipAll()).size).toBe(40);
    expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  });

  it("a report that is refused is not lost, and counts once when it is sent again", async () => {
    await submitAll(0, 1);
    const { job } = await product.claim("f1");
    const report = {
      body: { factoryId: "f1", leaseEpoch: job.leaseEpoch, stage: "shipped", result: { text: bodyMd } },
      headers: { "idempotency-key": "ship" },
    };
    db.prepare(breaks).all();
    const refused = await product.call("PATCH", `/fleet/jobs/${job.id}`, report);
    expect(refused).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
    db.prepare(mend).all();
    expect((await product.call("PATCH", `/fleet/jobs/${job.id}`, report)).status).toBe(200);
    const { body } = await product.call("GET", `/fleet/jobs/${job.id}/events`);
    expect(body.value.filter(({ type }) => type === "shipped")).toHaveLength(1);
  });

  it("the log says why, whichever write it was that failed", async () => {
    await submitAll(0, 2);
    const { job } = await product.claim("f1");
    const mine = { factoryId: "f1", leaseEpoch: job.leaseEpoch };
    db.prepare(breaks).all();
    const result = { text: bodyMd };
    const refused: string[] = [];
    for (const [method, path, body] of [
      ["POST", "/fleet/jobs", submission(9)],
      ["POST", "/fleet/claim", { factoryId: "f1" }],
      ["PATCH", `/fleet/jobs/${job.id}`, { ...mine, stage: "building", result }],
      ["POST", `/fleet/jobs/${job.id}/lease/renew`, { ...mine, insights: { tokensIn: 7 } }],
      ["POST", `/fleet/jobs/${job.id}/lease/release`, { ...mine, reason: "x".repeat(1000) }],
      ["PUT", "/fleet/profiles/careful", { snapshot: { instructions: bodyMd } }],
    ] as const) {
      const said = app.log.length;
      const { status } = await product.call(method, path, { body });
      // On a full disk what fits into a page that is there goes on.
      if (status < 300) continue;
      refused.push(`${method} ${path}: ${status}`);
      expect(app.log.slice(said).join("\n")).toContain(why);
    }
    expect(refused.filter((one) => !one.endsWith(": 503"))).toEqual([]);
    expect(refused.length).toBeGreaterThanOrEqual(atLeast);
  });
});
