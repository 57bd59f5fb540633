import { expect, it } from "vitest";
import { aDocument } from "../support/documents.js";
import { onEachStore } from "../support/on-each-store.js";
import { aJob, aQuery, byQueueOrder, createJobs, idsOf, newestFirst } from "./fixtures.js";

const at = (minute: number): string => `2026-01-15T12:${String(minute).padStart(2, "0")}:00.000Z`;

onEachStore("ordering", (open) => {
  it("breaks ties by the next field, down to the id", async () => {
    const store = await open();
    await createJobs(store, [
      aJob("e", { priorityRank: 0, order: 9 }),
      aJob("d", { priorityRank: 2, order: 1 }),
      aJob("c", { priorityRank: 2, order: 1 }),
      aJob("b", { priorityRank: 2, order: 10 }),
      aJob("a", { priorityRank: 3, order: 0, stage: "blocked" }),
    ]);
    expect(await idsOf(store, aQuery({ orderBy: byQueueOrder }))).toEqual(["a", "e", "c", "d", "b"]);
  });

  it("sorts numbers as numbers, also those of sixteen digits", async () => {
    const store = await open();
    const order = 1_768_478_400_000_000;
    await createJobs(store, [
      aJob("a", { order: order + 1 }),
      aJob("b", { order: 99 }),
      aJob("c", { order }),
      aJob("d", { order: 100 }),
    ]);
    expect(await idsOf(store, aQuery({ orderBy: byQueueOrder }))).toEqual(["b", "d", "c", "a"]);
    const after = ["queued", 2, order, "c"];
    expect(await idsOf(store, aQuery({ orderBy: byQueueOrder, after }))).toEqual(["a"]);
  });

  it("goes down as well as up", async () => {
    const store = await open();
    await createJobs(store, [
      aJob("a", { createdAt: at(1) }),
      aJob("b", { createdAt: at(2) }),
      aJob("c", { createdAt: at(2) }),
    ]);
    expect(await idsOf(store, aQuery({ orderBy: newestFirst }))).toEqual(["c", "b", "a"]);
    expect(await idsOf(store, aQuery({ orderBy: newestFirst, after: [at(2), "c"] }))).toEqual(["b", "a"]);
  });
});

onEachStore("paging", (open) => {
  it("says whether more follow, at a limit below, at and above what there is", async () => {
    const store = await open();
    await createJobs(store, [aJob("a"), aJob("b"), aJob("c")]);
    const page = (limit: number) => store.query("fleet_jobs", "acme", aQuery({ limit }), ["id"]);
    expect(await page(2)).toEqual({ value: [{ id: "a" }, { id: "b" }], more: true });
    expect(await page(3)).toMatchObject({ more: false, value: { length: 3 } });
    expect(await page(4)).toMatchObject({ more: false, value: { length: 3 } });
    const empty = aQuery({ limit: 1, after: ["c"] });
    expect(await store.query("fleet_jobs", "acme", empty, ["id"])).toEqual({ value: [], more: false });
  });

  it("visits each job once, though others arrive and leave meanwhile", async () => {
    const store = await open();
    const jobs = Array.from({ length: 11 }, (_, n) =>
      // Ties in twos, so that pages of three end in the middle of one.
      aJob(`job-${String(n).padStart(2, "0")}`, { createdAt: at(10 + Math.floor(n / 2)) }),
    );
    await createJobs(store, jobs);
    const seen: string[] = [];
    let after: readonly [string, string] | undefined;
    for (let page = 0; page < 10; page++) {
      const query = aQuery({ orderBy: newestFirst, limit: 3, after });
      const { value, more } = await store.query("fleet_jobs", "acme", query, ["id", "createdAt"]);
      seen.push(...value.map(({ id }) => id));
      const last = value.at(-1);
      if (!more || last === undefined) break;
      after = [last.createdAt, last.id];
      // One behind the reader, which it must not see, and one in another product.
      await createJobs(store, [
        aJob(`new-${page}`, { createdAt: at(59) }),
        aJob(`other-${page}`, { createdAt: at(1), productId: "globex" }),
      ]);
    }
    expect(seen).toEqual(jobs.map(({ id }) => id).reverse());
  });

  it("goes through the queue by all four fields without leaving one out", async () => {
    const store = await open();
    const jobs = Array.from({ length: 12 }, (_, n) =>
      aJob(`job-${String(n).padStart(2, "0")}`, {
        stage: n % 2 === 0 ? "queued" : "building",
        priorityRank: Math.floor(n / 6),
        order: Math.floor(n / 3),
      }),
    );
    await createJobs(store, jobs);
    const whole = await idsOf(store, aQuery({ orderBy: byQueueOrder }));
    const seen: string[] = [];
    let after: readonly (string | number)[] | undefined;
    for (let page = 0; page < jobs.length; page++) {
      const query = aQuery({ orderBy: byQueueOrder, limit: 1, after });
      const [job] = (await store.query("fleet_jobs", "acme", query, ["stage", "priorityRank", "order", "id"]))
        .value;
      if (job === undefined) break;
      seen.push(job.id);
      after = [job.stage, job.priorityRank, job.order, job.id];
    }
    expect(seen).toEqual(whole);
    expect(new Set(seen).size).toBe(12);
  });

  it("goes on in a job's events from behind a number, and in ids over every partition", async () => {
    const store = await open();
    for (const seq of [1, 2, 3, 10]) {
      const id = `job-1:${String(seq).padStart(12, "0")}`;
      await store.create("fleet_events", aDocument.fleet_events({ id, seq }));
    }
    const bySeq = aQuery({ orderBy: [{ field: "seq", direction: "ascending" }], after: [2], limit: 1 });
    const events = await store.query("fleet_events", "job-1", bySeq, ["seq"]);
    expect(events).toEqual({ value: [{ seq: 3 }], more: true });
    await createJobs(store, [aJob("a"), aJob("b", { productId: "globex" }), aJob("c")]);
    const sweep = await store.queryEveryPartition("fleet_jobs", aQuery({ after: ["a"], limit: 1 }), ["id"]);
    expect(sweep).toEqual({ value: [{ id: "b" }], more: true });
  });
});
