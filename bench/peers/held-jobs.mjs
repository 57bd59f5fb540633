// @ts-check
/**
 * Writes per second while workers hold jobs, counted by the server.
 *
 * Two are missing, for they write nothing: graphile-worker renews no lock (a job is free again after four hours:
 * https://worker.graphile.org/docs/error-handling), nor does a row in raw SQL.
 */
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { freshDatabase } from "./postgres.mjs";

const QUEUE = "linux";
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** @typedef {{ port: number, jobs: number, seconds: number }} Watch */

/**
 * A promise of all jobs taken, and a handler that takes one and keeps it until `release`.
 * @param {number} jobs
 */
function keeper(jobs) {
  /** @type {() => void} */
  let release = () => undefined;
  const released = new Promise((/** @type {(value?: undefined) => void} */ done) => (release = done));
  let taken = 0;
  /** @type {() => void} */
  let all = () => undefined;
  const allTaken = new Promise((/** @type {(value?: undefined) => void} */ done) => (all = done));
  const keep = async () => {
    if (++taken === jobs) all();
    await released;
  };
  return { keep, allTaken, release };
}

/**
 * pg-boss renews nothing unless the queue asks for heartbeats; 60 s is ours, each of them sent after half of it,
 * its default. One work() per job, as for jobs that are long: https://pgboss.io/api/workers
 * @param {Watch} watch
 */
export async function pgBoss({ port, jobs, seconds }) {
  const database = await freshDatabase({ port, direct: port, durability: "power" });
  const boss = new PgBoss({ ...database.direct, supervise: false, schedule: false, max: 10 });
  boss.on("error", () => undefined);
  await boss.start();
  await boss.createQueue(QUEUE, { heartbeatSeconds: 60 });
  await boss.insert(
    QUEUE,
    Array.from({ length: jobs }, () => ({ data: { n: 1 } })),
  );
  const { keep, allTaken, release } = keeper(jobs);
  await boss.work(QUEUE, { localConcurrency: jobs, pollingIntervalSeconds: 0.5 }, keep);
  await allTaken;
  const client = new pg.Client(database.direct);
  await client.connect();
  const written = async () => {
    // Backends tell of their writes when they are idle, and at most once a second.
    const sql = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::int AS rows FROM pg_stat_user_tables";
    return (await client.query(sql)).rows[0].rows;
  };
  await pause(2000);
  const before = await written();
  await pause(seconds * 1000);
  const rows = (await written()) - before;
  await client.end();
  release();
  await boss.stop({ graceful: false });
  await database.drop();
  return rows / seconds;
}

/**
 * BullMQ renews each lock after half of lockDuration, 15 s by default, many of them in one script; the changes are
 * those that Redis counts, one for each key: https://docs.bullmq.io/guide/workers/stalled-jobs
 * @param {Watch} watch
 */
export async function bullmq({ port, jobs, seconds }) {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const prefix = `held-${process.pid}`;
  const queue = new Queue(QUEUE, { connection, prefix });
  await queue.addBulk(Array.from({ length: jobs }, () => ({ name: "no-op", data: { n: 1 } })));
  const { keep, allTaken, release } = keeper(jobs);
  const worker = new Worker(QUEUE, keep, { connection, prefix, concurrency: jobs });
  worker.on("error", () => undefined);
  await allTaken;
  const redis = new Redis(connection);
  const changes = async () => {
    const info = await redis.info("persistence");
    return Number(/rdb_changes_since_last_save:(\d+)/.exec(info)?.[1]);
  };
  const before = await changes();
  await pause(seconds * 1000);
  const made = (await changes()) - before;
  await redis.quit();
  release();
  await worker.close(true);
  await queue.close();
  return made / seconds;
}
