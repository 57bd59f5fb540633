// @ts-check
/**
 * graphile-worker, without its batching: no localQueue, no completeJobBatchDelay, so that each job is fetched by
 * a statement of its own and completed by another: https://worker.graphile.org/docs/performance
 *
 * - concurrentJobs: the workers. The pool's size: "10 or concurrentJobs + 2, whichever is larger", as the option's
 *   own documentation has it: https://worker.graphile.org/docs/config
 * - prepared statements are on, the default.
 * - It does not wait for the completion of a job before it asks for the next one. Nothing is lost by that: the
 *   time of a run counts until all of them are completed. Its latency here is that of fetching a job
 *   and starting its completion.
 */
import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers/promises";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { freshDatabase, settle, withClient } from "./postgres.mjs";

const TASK = "linux";
const ELSEWHERE = "mac";
const POOL_MIN = 10;
const quiet = new Logger(() => () => undefined);

/** A pool of ours, so that it can be awaited to its end. @param {pg.ClientConfig} where @param {number} max */
function poolOf(where, max) {
  const pool = new pg.Pool({ ...where, max });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** @param {import("./postgres.mjs").Place} place */
export async function open(place) {
  const database = await freshDatabase(place);
  const pool = poolOf(database.direct, 2);
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
  await utils.migrate();
  await utils.release();
  await pool.end();
  /** @param {number} jobs @param {string} task */
  const fill = async (jobs, task) => {
    await withClient(database.direct, async (client) => {
      // https://worker.graphile.org/docs/sql-add-job#add-jobs-in-bulk
      const spec = `($1, '{"n":1}', NULL, now(), NULL, NULL, NULL, NULL)::graphile_worker.job_spec`;
      const specs = `SELECT array_agg(${spec}) FROM generate_series(1, $2::int)`;
      await client.query(`SELECT count(*) FROM graphile_worker.add_jobs((${specs}))`, [task, jobs]);
    });
    await settle(database.direct);
  };
  return {
    fill: (/** @type {number} */ jobs) => fill(jobs, TASK),
    fillIneligible: (/** @type {number} */ jobs) => fill(jobs, ELSEWHERE),
    crew: (/** @type {number} */ workers) => crewOf(database.measured, workers),
    close: () => database.drop(),
  };
}

/** @param {pg.ClientConfig} where @param {number} workers */
async function crewOf(where, workers) {
  const pool = poolOf(where, Math.max(POOL_MIN, workers + 2));
  /** @type {import("graphile-worker").Runner | undefined} */
  let runner;
  return {
    kind: "push",
    async start(/** @type {(cycle: import("../fair/queue.ts").Cycle) => void} */ finished) {
      const events = new EventEmitter();
      /** @type {Map<unknown, { asked: number, got: number }>} */
      const times = new Map();
      events.on("worker:getJob:start", ({ worker }) => {
        times.set(worker, { asked: performance.now(), got: NaN });
      });
      events.on("job:start", ({ worker }) => {
        const time = times.get(worker);
        if (time !== undefined) time.got = performance.now();
      });
      events.on("job:complete", ({ worker, error }) => {
        const time = times.get(worker);
        if (error) throw error;
        if (time === undefined) return;
        const { asked, got } = time;
        finished({ askedAt: asked, claimMs: got - asked, cycleMs: performance.now() - asked });
      });
      runner = await run({
        pgPool: pool,
        preset: { worker: { concurrentJobs: workers } },
        logger: quiet,
        events,
        noHandleSignals: true,
        taskList: { [TASK]: () => undefined },
      });
    },
    pause: async () => {
      await runner?.stop();
      // stop() does not wait for the completions that are under way: they have the pool's connections.
      while (pool.waitingCount > 0 || pool.idleCount < pool.totalCount) await setImmediate();
    },
    end: () => pool.end(),
  };
}
