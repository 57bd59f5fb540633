// @ts-check
/**
 * A job whose worker is killed, at each peer that gets it back: `prepare` gives what both sides need, `hold` is
 * the worker, `claimedAgain` who waits for the job.
 *
 * graphile-worker is missing: it frees what was locked for more than four hours, and nothing sets that lower; a
 * quicker recovery is part of its paid version: https://worker.graphile.org/docs/pro/recovery
 */
import { PgBoss } from "pg-boss";
import { Queue, Worker } from "bullmq";
import pg from "pg";
import { freshDatabase, withClient } from "./postgres.mjs";

const QUEUE = "linux";
let made = 0;
const never = () => new Promise(() => undefined);

/** @param {import("pg-boss").PgBoss} boss @param {() => void} got */
async function takeWithBoss(boss, got) {
  await new Promise((/** @type {(value?: undefined) => void} */ taken) => {
    void boss.work(QUEUE, { pollingIntervalSeconds: 0.5 }, async () => {
      got();
      taken();
      await never();
    });
  });
}

/**
 * `heartbeatSeconds`: a worker's heartbeat, sent each half of it by `work()`; who supervises looks for those that
 * stayed out. 10 is the least: https://pgboss.io/api/queues ("Heartbeat vs expiration"). The supervisor looks each
 * second here (superviseIntervalSeconds, monitorIntervalSeconds), not each minute as by default.
 * Without a heartbeat, expireInSeconds (15 minutes) is what frees the job.
 */
export const pgBoss = {
  /** @param {{ port: number, heartbeatSeconds: number, everySeconds: number }} place */
  async prepare({ port, heartbeatSeconds, everySeconds }) {
    const database = await freshDatabase({ port, direct: port, durability: "power" });
    const often = { superviseIntervalSeconds: everySeconds, monitorIntervalSeconds: everySeconds };
    const boss = new PgBoss({ ...database.direct, schedule: false, max: 3, ...often });
    boss.on("error", () => undefined);
    await boss.start();
    await boss.createQueue(QUEUE, { heartbeatSeconds });
    await boss.send(QUEUE, { n: 1 });
    return {
      place: database.direct,
      claimedAgain: () => takeWithBoss(boss, () => undefined),
      async close() {
        await boss.stop({ graceful: false });
        await database.drop();
      },
    };
  },
  /** @param {pg.ClientConfig & object} place */
  async hold(place) {
    const boss = new PgBoss({ .../** @type {any} */ (place), supervise: false, schedule: false, max: 3 });
    await boss.start();
    await takeWithBoss(boss, () => undefined);
  },
};

/**
 * lockDuration and stalledInterval, each 30 s by default: a lock that is not renewed runs out, and the next check
 * moves the job back: https://docs.bullmq.io/guide/workers/stalled-jobs
 */
export const bullmq = {
  /** @param {{ port: number, lockDuration: number, stalledInterval: number }} place */
  async prepare({ port, lockDuration, stalledInterval }) {
    const prefix = `killed-${process.pid}-${++made}`;
    const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
    const queue = new Queue(QUEUE, { connection, prefix });
    await queue.add("no-op", { n: 1 });
    /** @type {Worker | undefined} */
    let worker;
    return {
      place: { connection, prefix, lockDuration, stalledInterval },
      claimedAgain: () =>
        new Promise((/** @type {(value?: undefined) => void} */ taken) => {
          const taking = async () => taken();
          worker = new Worker(QUEUE, taking, { connection, prefix, lockDuration, stalledInterval });
          worker.on("error", () => undefined);
        }),
      async close() {
        await worker?.close();
        await queue.close();
      },
    };
  },
  /** @param {import("bullmq").WorkerOptions} options */
  async hold(options) {
    await new Promise((/** @type {(value?: undefined) => void} */ taken) => {
      new Worker(
        QUEUE,
        async () => {
          taken();
          await never();
        },
        options,
      );
    });
  },
};

const TAKE = "SELECT id FROM jobs ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1";
const POLL_MS = 100;

/**
 * Raw SQL with the job's transaction held open while it is worked on: the server ends it with the connection. It
 * costs one connection for each job, and an open transaction holds back vacuum for as long.
 */
export const skipLocked = {
  /** @param {{ port: number }} place */
  async prepare({ port }) {
    const database = await freshDatabase({ port, direct: port, durability: "power" });
    await withClient(database.direct, async (client) => {
      await client.query("CREATE TABLE jobs (id bigint PRIMARY KEY); INSERT INTO jobs VALUES (1)");
    });
    return {
      place: database.direct,
      claimedAgain: () =>
        withClient(database.direct, async (client) => {
          for (;;) {
            await client.query("BEGIN");
            const { rows } = await client.query(TAKE);
            await client.query("COMMIT");
            if (rows.length > 0) return;
            await new Promise((resolve) => setTimeout(resolve, POLL_MS));
          }
        }),
      close: () => database.drop(),
    };
  },
  /** @param {pg.ClientConfig} place */
  async hold(place) {
    const client = new pg.Client(place);
    await client.connect();
    await client.query("BEGIN");
    await client.query(TAKE);
  },
};
