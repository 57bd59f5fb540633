// @ts-check
/**
 * pg-boss, fetching and completing one job at a time.
 *
 * - fetch() and complete() in a loop: https://pgboss.io/api/jobs#fetch-name-options. `work()` does the same two
 *   statements, and waits between them unless it is told to go on. complete() is given the job and not its id, as
 *   work() does: so it is fenced, and finishes no job that was given to another since.
 * - batchSize 1 is the default; no metadata, which is the default, too.
 * - `partition: true`: a table of its own for the queue, "more useful for a large queue":
 *   https://pgboss.io/api/queues#createqueue-name-queue
 * - `max`: one pooled connection for each worker: https://pgboss.io/api/constructor
 * - supervision, scheduling and its index rebuilds are off while it is measured: maintenance is none of the work.
 */
import { PgBoss } from "pg-boss";
import { freshDatabase, settle } from "./postgres.mjs";

const QUEUE = "linux";
const ELSEWHERE = "mac";
/** Jobs in one insert(). */
const INSERT_MAX = 5000;

/** @param {import("./postgres.mjs").Place} place */
export async function open(place) {
  const database = await freshDatabase(place);
  const filler = new PgBoss({ ...database.direct, max: 2, supervise: false, schedule: false });
  filler.on("error", () => undefined);
  await filler.start();
  for (const queue of [QUEUE, ELSEWHERE]) await filler.createQueue(queue, { partition: true });
  /** @param {number} jobs @param {string} queue */
  const fill = async (jobs, queue) => {
    for (let left = jobs; left > 0; left -= INSERT_MAX) {
      const batch = Array.from({ length: Math.min(left, INSERT_MAX) }, () => ({ data: { n: 1 } }));
      await filler.insert(queue, batch);
    }
    await settle(database.direct);
  };
  return {
    fill: (/** @type {number} */ jobs) => fill(jobs, QUEUE),
    fillIneligible: (/** @type {number} */ jobs) => fill(jobs, ELSEWHERE),
    async crew(/** @type {number} */ workers) {
      const options = { supervise: false, schedule: false, migrate: false };
      const boss = new PgBoss({ ...database.measured, ...options, max: workers });
      boss.on("error", () => undefined);
      await boss.start();
      return {
        kind: "pull",
        hands: Array.from({ length: workers }, () => handOf(boss)),
        end: () => boss.stop({ graceful: false }),
      };
    },
    async close() {
      await filler.stop({ graceful: false });
      await database.drop();
    },
  };
}

/** @param {PgBoss} boss */
function handOf(boss) {
  return {
    async claim() {
      const [job] = await boss.fetch(QUEUE);
      return job;
    },
    async finish(/** @type {import("pg-boss").Job} */ job) {
      const done = await boss.complete(QUEUE, job);
      // Its types don't have the count that its documentation tells of.
      if (!("affected" in done) || done.affected !== 1) throw new Error(`job ${job.id} was not finished`);
    },
  };
}
