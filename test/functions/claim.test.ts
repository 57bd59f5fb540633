import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_NUMBER, A_STRING } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import type { Answered } from "../support/http-answer.js";
import { aHeartbeat, aProduct } from "../support/http-fleet.js";

/** What an empty claim says: body and header agree on when to come back. */
function emptyWith(reason: string, answer: Answered): void {
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ job: null, reason, retryAfterSeconds: A_NUMBER });
  expect(answer.headers.get("retry-after")).toBe(String(answer.body.retryAfterSeconds));
  expect(answer.body.retryAfterSeconds).toBeGreaterThan(0);
}

describe.each(["memory", "cosmos"] as const)("POST /fleet/claim (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  it("gives the job with its lease and run", async () => {
    const product = aProduct(app);
    await product.factory("f1", { engines: ["claude"] });
    const job = await product.submit();
    const body = { factoryId: "f1", leaseSeconds: 60 };
    const answer = await product.call("POST", "/fleet/claim", { key: "factory", body });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      job: {
        ...job,
        stage: "assigned",
        attempt: 1,
        leaseEpoch: 1,
        holderFactoryId: "f1",
        updatedAt: A_STRING,
        stageChangedAt: A_STRING,
      },
      lease: {
        jobId: job.id,
        holderFactoryId: "f1",
        leaseEpoch: 1,
        status: "held",
        renewals: 0,
        expiresAt: A_STRING,
        remainingSeconds: A_NUMBER,
        renewAfterSeconds: 20,
      },
      run: {
        jobId: job.id,
        productId: product.id,
        factoryId: "f1",
        attempt: 1,
        leaseEpoch: 1,
        engine: "claude",
        startedAt: A_STRING,
        insights: {},
      },
    });
    expect(answer.body.lease.remainingSeconds).toBeGreaterThan(50);
    expect(answer.headers.has("retry-after")).toBe(false);
  });

  it("gives the highest priority first, then the oldest, even of one millisecond", async () => {
    const product = aProduct(app);
    await product.factory("f1");
    const low = await product.submit({ priority: "low" });
    const first = await product.submit();
    const second = await product.submit();
    const critical = await product.submit({ priority: "critical" });
    const claimed: string[] = [];
    for (let n = 0; n < 4; n++) claimed.push((await product.claim("f1")).job.id);
    expect(claimed).toEqual([critical.id, first.id, second.id, low.id]);
  });

  it("takes the lease of the settings when none is asked for, and 1 to 3600 s", async () => {
    const product = aProduct(app);
    await product.claimed("f1");
    for (const leaseSeconds of [0, 3601, 1.5, "60"]) {
      const body = { factoryId: "f1", leaseSeconds };
      const answer = await product.call("POST", "/fleet/claim", { body });
      expect(answer.body).toMatchObject({ status: 400, errors: [{ path: "leaseSeconds" }] });
    }
    const beat = await product.call("POST", "/fleet/factories/heartbeat", { body: aHeartbeat("f1") });
    // A third of the 90 s that LEASE_SECONDS has by default.
    expect(beat.body.leases).toMatchObject([{ renewAfterSeconds: 30 }]);
  });

  it("says why there is no job", async () => {
    const product = aProduct(app);
    const claim = (factoryId: string) => product.call("POST", "/fleet/claim", { body: { factoryId } });
    await product.factory("f1", { seatLimit: 1, capabilities: ["linux"] });
    emptyWith("no_job", await claim("f1"));

    await product.submit({ capabilities: ["linux", "gpu"] });
    await product.submit({ capabilities: ["gpu", "mac"] });
    const missing = await claim("f1");
    emptyWith("no_matching_capabilities", missing);
    expect(missing.body.missing).toEqual(["gpu", "mac"]);

    await product.submit();
    await product.claim("f1");
    emptyWith("seat_limit", await claim("f1"));
  });

  it("gives the same claimId the same lease again, and says when that has ended", async () => {
    const product = aProduct(app);
    await product.factory("f1");
    await product.submit();
    await product.submit();
    const body = { factoryId: "f1", claimId: "c1" };
    const first = await product.claim("f1", { claimId: "c1" });
    const again = await product.call("POST", "/fleet/claim", { body });
    expect([again.body.job.id, again.body.job.leaseEpoch]).toEqual([first.job.id, 1]);

    const fenced = { factoryId: "f1", leaseEpoch: 1 };
    await product.call("POST", `/fleet/jobs/${first.job.id}/lease/release`, { body: fenced });
    emptyWith("claim_ended", await product.call("POST", "/fleet/claim", { body }));
  });

  it("takes the claimId from the Idempotency-Key header as well, where both agree", async () => {
    const product = aProduct(app);
    await product.factory("f1");
    await product.submit();
    await product.submit();
    const headers = { "idempotency-key": "c9" };
    const byHeader = await product.call("POST", "/fleet/claim", { body: { factoryId: "f1" }, headers });
    const byBody = await product.claim("f1", { claimId: "c9" });
    expect(byBody.job.id).toBe(byHeader.body.job.id);
    const body = { factoryId: "f1", claimId: "another" };
    const differ = await product.call("POST", "/fleet/claim", { body, headers });
    expect(differ.body).toMatchObject({ status: 400, errors: [{ path: "claimId" }] });
  });

  it("knows only factories of this product that sent a heartbeat", async () => {
    const elsewhere = aProduct(app);
    await elsewhere.factory("f1");
    const { call } = aProduct(app);
    const answer = await call("POST", "/fleet/claim", { body: { factoryId: "f1" } });
    expect([answer.status, answer.body.code]).toEqual([404, "factory_not_registered"]);
  });

  it("refuses a factory that is down or was silent for too long", async () => {
    const product = aProduct(app);
    await product.submit();
    const claim = () => product.call("POST", "/fleet/claim", { body: { factoryId: "f1" } });
    await product.factory("f1", { health: "down" });
    const down = await claim();
    expect([down.status, down.body.code]).toEqual([409, "factory_unavailable"]);
    await product.factory("f1");
    app.advance(121);
    const stale = await claim();
    expect([stale.status, stale.body.code]).toEqual([409, "factory_unavailable"]);
    await product.factory("f1");
    expect((await claim()).body.job.stage).toBe("assigned");
  });

  it("gives twenty factories twenty different jobs", async () => {
    const product = aProduct(app);
    const names = Array.from({ length: 20 }, (_, n) => `f${n}`);
    await Promise.all(names.map((name) => product.factory(name)));
    await Promise.all(names.map(() => product.submit()));
    const claimed = await Promise.all(names.map((name) => product.claim(name)));
    expect(new Set(claimed.map(({ job }) => job.id)).size).toBe(20);
    emptyWith("no_job", await product.call("POST", "/fleet/claim", { body: { factoryId: "f0" } }));
  });
});
