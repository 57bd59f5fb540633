// @ts-check
/**
 * BullMQ: one Worker with `concurrency`, its own way to many jobs at once:
 * https://docs.bullmq.io/guide/workers/concurrency. One script finishes a job and takes the next one: a single
 * round trip for both, which is what it does by default.
 *
 * - AOF on, as "Going to production" asks for: https://docs.bullmq.io/guide/going-to-production. Redis answers after
 *   the fsync with appendfsync always, up to a second before it with everysec.
 * - maxRetriesPerRequest null, which workers need: https://docs.bullmq.io/guide/connections
 * - removeOnComplete: finished jobs are not kept, so that Redis does not grow:
 *   https://docs.bullmq.io/guide/workers/auto-removal-of-jobs
 * - No priorities: they have "a slight impact on performance, so do not use it if not required".
 */
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

const QUEUE = "linux";
const ELSEWHERE = "mac";
const ADD_MAX = 5000;
let made = 0;

/** @param {import("./postgres.mjs").Place} place */
export async function open({ port, direct, durability }) {
  // Queues of one Redis are told apart by their prefix.
  const prefix = `bench-${process.pid}-${++made}`;
  const at = (/** @type {number} */ to) => ({ host: "127.0.0.1", port: to, maxRetriesPerRequest: null });
  const queues = new Map(
    [QUEUE, ELSEWHERE].map((name) => [name, new Queue(name, { connection: at(direct), prefix })]),
  );
  const redis = new Redis(at(direct));
  /** @param {number} jobs @param {string} name */
  const fill = async (jobs, name) => {
    // A fill is not measured, and need not wait for the disk at each of its commands.
    await redis.config("SET", "appendfsync", "no");
    for (let left = jobs; left > 0; left -= ADD_MAX) {
      const length = Math.min(left, ADD_MAX);
      await queues.get(name)?.addBulk(Array.from({ length }, () => ({ name: "no-op", data: { n: 1 } })));
    }
    await redis.config("SET", "appendfsync", durability === "power" ? "always" : "everysec");
  };
  return {
    fill: (/** @type {number} */ jobs) => fill(jobs, QUEUE),
    fillIneligible: (/** @type {number} */ jobs) => fill(jobs, ELSEWHERE),
    crew: (/** @type {number} */ workers) => crewOf(at(port), prefix, workers),
    async close() {
      for (const queue of queues.values()) await queue.close();
      await redis.flushall();
      await redis.quit();
    },
  };
}

/**
 * @param {import("bullmq").ConnectionOptions} connection
 * @param {string} prefix
 * @param {number} concurrency
 */
async function crewOf(connection, prefix, concurrency) {
  /** @type {Worker | undefined} */
  let worker;
  return {
    kind: "push",
    async start(/** @type {(cycle: import("../fair/queue.ts").Cycle) => void} */ finished) {
      /** @type {Map<string | undefined, number>} */
      const begun = new Map();
      worker = new Worker(
        QUEUE,
        async (job) => {
          begun.set(job.id, performance.now());
        },
        { connection, prefix, concurrency, autorun: false, removeOnComplete: { count: 0 } },
      );
      worker.on("error", () => undefined);
      worker.on("completed", ({ id }) => {
        const askedAt = begun.get(id) ?? NaN;
        finished({ askedAt, cycleMs: performance.now() - askedAt });
        begun.delete(id);
      });
      await worker.waitUntilReady();
      void worker.run();
    },
    pause: async () => {
      await worker?.close();
    },
    end: async () => undefined,
  };
}
