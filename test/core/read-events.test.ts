/** Events and runs are read from two places that overlap: no gap, nothing twice, nothing too early. */
import { expect, it } from "vitest";
import { readEvents } from "../../shared/core/read-events.js";
import { closeRunOfEpoch, withWhatTheJobKnows } from "../../shared/core/run-history.js";
import { release } from "../../shared/core/release.js";
import { reapAndSweep, startSweep } from "../../shared/core/sweep.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { JobEvent } from "../../shared/schema/event.js";
import type { Job } from "../../shared/schema/job.js";
import { aDocument } from "../support/documents.js";
import { intercept, justBefore } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "../support/world.js";
import type { World } from "../support/world.js";

const at = "2026-01-15T12:00:00.000Z";
const event = (seq: number): JobEvent => ({ seq, type: "checkpointed", at, data: {} });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => event(from + n));
const runOfEpoch = (leaseEpoch: number) => ({
  attempt: 1,
  leaseEpoch,
  factoryId: "f1",
  startedAt: at,
  endedAt: at,
  insights: {},
});
const closing = (seq: number, leaseEpoch: number): JobEvent => ({
  ...event(seq),
  type: "expired",
  data: { run: runOfEpoch(leaseEpoch) },
});

/** A job whose events `from` to `to` wait in it, while the container holds those up to `inContainer`. */
async function aJobWith(world: World, from: number, to: number, inContainer: number): Promise<Job> {
  const job = aDocument.fleet_jobs({ eventSeq: to, outbox: range(from, to) });
  for (const one of range(1, inContainer)) await world.fleet.events.append(job, one);
  return job;
}

onEachStore("a page of events", (open) => {
  const seqs = async (world: World, job: Job, after: number, limit: number) => {
    const page = await readEvents(world.fleet, job, after, limit);
    return { seqs: page.value.map(({ seq }) => seq), more: page.more };
  };

  it("joins what is stored with what waits, each once, though they overlap", async () => {
    const world = aWorld(await open());
    const job = await aJobWith(world, 4, 7, 5);
    expect(await seqs(world, job, 0, 100)).toEqual({ seqs: [1, 2, 3, 4, 5, 6, 7], more: false });
    expect(await seqs(world, job, 4, 100)).toEqual({ seqs: [5, 6, 7], more: false });
    expect(await seqs(world, job, 7, 100)).toEqual({ seqs: [], more: false });
  });

  it("holds no more than asked for, and says that there are more", async () => {
    const world = aWorld(await open());
    const job = await aJobWith(world, 1, 3, 0);
    expect(await seqs(world, job, 0, 2)).toEqual({ seqs: [1, 2], more: true });
    expect(await seqs(world, job, 1, 1)).toEqual({ seqs: [2], more: true });
    expect(await seqs(world, job, 2, 1)).toEqual({ seqs: [3], more: false });
  });

  it("ends before a gap: what waits comes with a later page", async () => {
    const world = aWorld(await open());
    const job = await aJobWith(world, 6, 7, 5);
    expect(await seqs(world, job, 0, 3)).toEqual({ seqs: [1, 2, 3], more: true });
    expect(await seqs(world, job, 3, 3)).toEqual({ seqs: [4, 5, 6], more: true });
    const gone = await aJobWith(world, 9, 9, 7);
    expect(await seqs(world, gone, 0, 100)).toEqual({ seqs: [1, 2, 3, 4, 5, 6, 7], more: true });
  });

  it("shows nothing that the job as read does not know: what lies between may be waiting elsewhere", async () => {
    const world = aWorld(await open());
    const job = { ...(await aJobWith(world, 3, 4, 9)), eventSeq: 4 };
    expect(await seqs(world, job, 0, 100)).toEqual({ seqs: [1, 2, 3, 4], more: false });
  });
});

onEachStore("the run of an epoch that is over", (open) => {
  it("is found behind the first page of events", async () => {
    const world = aWorld(await open());
    const job = aDocument.fleet_jobs({ eventSeq: 412, outbox: [closing(412, 5)] });
    for (const one of range(1, 411)) await world.fleet.events.append(job, one);
    await closeRunOfEpoch(world.fleet, job, 5);
    expect((await world.fleet.runs.get(job.id, `${job.id}:5`))?.doc).toMatchObject(runOfEpoch(5));
  }, 60_000);

  it("is looked for in 25 pages, and no further", async () => {
    const { fleet } = aWorld(await open());
    const asked: number[] = [];
    const list = (_job: string, limit: number, after = 0) => {
      asked.push(after);
      return Promise.resolve({ value: range(after + 1, after + limit), more: true });
    };
    const endless: Fleet = { ...fleet, events: { ...fleet.events, list } };
    await closeRunOfEpoch(endless, aDocument.fleet_jobs({ eventSeq: 1_000_000 }), 5);
    expect(asked).toEqual(Array.from({ length: 25 }, (_, page) => page * 200));
  });

  it("is left alone where the events tell nothing of it, after one look at each", async () => {
    const store = await open();
    let queries = 0;
    const world = aWorld(
      intercept(store, (call, proceed) => {
        if (call.method === "query" && call.container === "fleet_events") queries++;
        return proceed();
      }),
    );
    const job = aDocument.fleet_jobs({ eventSeq: 2, outbox: [event(1), closing(2, 4)] });
    await closeRunOfEpoch(world.fleet, job, 5);
    expect(queries).toBe(1);
    expect((await world.fleet.runs.list(job.id, 10)).value).toEqual([]);
  });

  it("is closed though it was opened at the very moment it was to be created closed", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = aDocument.fleet_jobs({ eventSeq: 1, outbox: [closing(1, 5)] });
    const open5 = aDocument.fleet_runs({ id: "job-1:5", leaseEpoch: 5 });
    const racing = justBefore(
      store,
      (call) => call.method === "create" && call.container === "fleet_runs",
      () => world.fleet.runs.create(open5),
    );
    await closeRunOfEpoch(aWorld(racing, { name: "two" }).fleet, job, 5);
    expect((await world.fleet.runs.get(job.id, "job-1:5"))?.doc.endedAt).toBe(at);
  });

  it("is closed once: who finds it closed writes nothing", async () => {
    const world = aWorld(await open());
    const job = aDocument.fleet_jobs({ eventSeq: 1, outbox: [closing(1, 5)] });
    await closeRunOfEpoch(world.fleet, job, 5);
    const before = await world.fleet.runs.get(job.id, "job-1:5");
    await closeRunOfEpoch(world.fleet, job, 5);
    expect(await world.fleet.runs.get(job.id, "job-1:5")).toEqual(before);
  });
});

onEachStore("the runs of a job", (open) => {
  it("are known from the job before their documents are, in the order of their epochs", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const noRuns = intercept(store, (call, proceed) =>
      call.container === "fleet_runs" ? Promise.reject(new Error("trouble")) : proceed(),
    );
    const troubled = aWorld(noRuns, { name: "two", clock: world.clock });
    await mustClaim(troubled, await aFactory(world, "f1"));
    await release(troubled.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    const released = withWhatTheJobKnows([], await stored(world, job));
    expect(released).toMatchObject([{ id: `${job.id}:1`, jobId: job.id, factoryId: "f1", leaseEpoch: 1 }]);
    expect(released[0]?.endedAt).toBeDefined();
    await mustClaim(troubled, "f1");
    const late = aDocument.fleet_runs({ id: `${job.id}:7`, leaseEpoch: 7 });
    const known = withWhatTheJobKnows([late], await stored(world, job));
    expect(known.map(({ leaseEpoch }) => leaseEpoch)).toEqual([1, 2, 7]);
    expect(known[1]?.endedAt).toBeUndefined();
  });

  it("that are still open after a crash are closed by the sweep, once", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    const noRuns = intercept(store, (call, proceed) =>
      call.container === "fleet_runs" && call.method === "replaceIfMatch"
        ? Promise.reject(new Error("trouble"))
        : proceed(),
    );
    const troubled = aWorld(noRuns, { name: "two", clock: world.clock });
    await mustClaim(world, await aFactory(world, "f1"));
    await release(troubled.fleet, PRODUCT, job.id, { factoryId: "f1", leaseEpoch: 1 });
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc.endedAt).toBeUndefined();
    await reapAndSweep(world.fleet, startSweep(world.fleet));
    expect((await world.fleet.runs.get(job.id, `${job.id}:1`))?.doc.endedAt).toBeDefined();
  });
});

it("the runs of a job show a final job's last run as it is stored: closed", () => {
  const job = aDocument.fleet_jobs({
    stage: "shipped",
    leaseEpoch: 1,
    holderFactoryId: "f1",
    run: { startedAt: at, insights: {} },
  });
  const closed = aDocument.fleet_runs({ endedAt: at });
  expect(withWhatTheJobKnows([closed], job)).toEqual([closed]);
});
