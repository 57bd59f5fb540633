import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { A_STRING } from "../support/http-answer.js";
import type { Given } from "../support/http-answer.js";
import { startApp } from "../support/http-app.js";
import type { HttpApp } from "../support/http-app.js";
import { aProduct, everyPage } from "../support/http-fleet.js";

/** A job that was claimed and released `times` times, then claimed by `last`, who works on it. */
async function aJobWithHistory(app: HttpApp, times: number) {
  const product = aProduct(app);
  await product.factory("f1");
  const job = await product.submit();
  for (let epoch = 1; epoch <= times; epoch++) {
    await product.claim("f1");
    const body = { factoryId: "f1", leaseEpoch: epoch };
    await product.call("POST", `/fleet/jobs/${job.id}/lease/release`, { body });
  }
  await product.claim("f1");
  return { product, job, path: `/fleet/jobs/${job.id}` };
}

describe.each(["memory", "cosmos"] as const)("a job's history (%s)", (provider) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(provider);
  });
  afterAll(() => app.stop());

  it("has a run per claim, oldest first, each once however the pages are cut", async () => {
    const { product, path } = await aJobWithHistory(app, 4);
    for (const limit of [1, 2, 3, 5, 200]) {
      const pages = await everyPage(product, `${path}/runs?limit=${limit}`);
      expect(pages.every((page) => page.length <= limit)).toBe(true);
      const runs = pages.flat();
      expect(runs.map((run) => [run.leaseEpoch, run.endedAt !== undefined])).toEqual([
        [1, true],
        [2, true],
        [3, true],
        [4, true],
        [5, false],
      ]);
    }
  });

  it("shows what a run used and how it ended as soon as the job knows", async () => {
    const { product, path } = await aJobWithHistory(app, 0);
    const patch = (given: Given) =>
      product.call("PATCH", path, { body: { factoryId: "f1", leaseEpoch: 1, ...given } });
    await patch({ insights: { tokensIn: 7, model: "m" } });
    const open = await product.call("GET", `${path}/runs`);
    expect(open.body.value).toMatchObject([{ factoryId: "f1", insights: { tokensIn: 7, model: "m" } }]);
    await patch({ stage: "shipped", exit: 0, result: { pr: 1 }, insights: { tokensIn: 9 } });
    const ended = await product.call("GET", `${path}/runs`);
    expect(ended.body.value).toEqual([
      {
        jobId: A_STRING,
        productId: product.id,
        attempt: 1,
        leaseEpoch: 1,
        factoryId: "f1",
        engine: "claude",
        startedAt: A_STRING,
        endedAt: A_STRING,
        exit: 0,
        result: { pr: 1 },
        insights: { tokensIn: 9, model: "m" },
      },
    ]);
  });

  it("has events numbered from 1 without a gap, over all pages", async () => {
    const { product, path } = await aJobWithHistory(app, 3);
    for (const limit of [1, 3, 200]) {
      const events = (await everyPage(product, `${path}/events?limit=${limit}`)).flat();
      expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(events.map((event) => event.type)).toEqual([
        "submitted",
        ...["claimed", "released"],
        ...["claimed", "released"],
        ...["claimed", "released"],
        "claimed",
      ]);
      expect(events[1]).toEqual({
        seq: 2,
        type: "claimed",
        at: A_STRING,
        actor: "f1",
        data: {
          from: "queued",
          to: "assigned",
          leaseEpoch: 1,
          attempt: 1,
          holderFactoryId: "f1",
          engine: "claude",
        },
      });
    }
  });

  it("is read on from behind an event", async () => {
    const { product, path } = await aJobWithHistory(app, 1);
    const page = await product.call("GET", `${path}/events?after=1&limit=2`);
    expect(page.body.value.map((event) => event.seq)).toEqual([2, 3]);
    expect(page.body.nextLink).toBe(`${path}/events?after=3&limit=2`);
    const end = await product.call("GET", `${path}/events?after=4`);
    expect(end.body).toEqual({ value: [] });
    expect((await product.call("GET", `${path}/events?after=999`)).body).toEqual({ value: [] });
  });

  it("refuses parameters that are no place in it", async () => {
    const { product, path } = await aJobWithHistory(app, 0);
    for (const [rest, name] of [
      ["events?after=-1", "after"],
      ["events?after=x", "after"],
      ["events?limit=201", "limit"],
      ["events?cursor=x", "cursor"],
      ["runs?after=1", "after"],
      ["runs?limit=0", "limit"],
      ["runs?cursor=x", "cursor"],
      [`runs?cursor=${Buffer.from('["1"]').toString("base64url")}`, "cursor"],
    ] as const) {
      const answer = await product.call("GET", `${path}/${rest}`);
      expect(answer.body).toMatchObject({ status: 400, errors: [{ path: name }] });
    }
  });
});
