// @ts-check
/**
 * The least that a queue on PostgreSQL can be: one table, one partial index, two prepared statements.
 * https://www.postgresql.org/docs/15/sql-select.html#SQL-FOR-UPDATE-SHARE ("SKIP LOCKED … queue-like table").
 * A named statement is prepared once for each connection: https://node-postgres.com/features/queries
 */
import pg from "pg";
import { freshDatabase, settle, withClient } from "./postgres.mjs";

const SCHEMA = `
  CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    priority smallint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'queued',
    payload jsonb NOT NULL,
    worker text,
    claimed_at timestamptz,
    finished_at timestamptz
  );
  CREATE INDEX jobs_queued ON jobs (queue, priority, id) WHERE state = 'queued'`;
const CLAIM = {
  name: "claim",
  text: `UPDATE jobs SET state = 'claimed', worker = $2, claimed_at = now()
         WHERE id = (SELECT id FROM jobs WHERE queue = $1 AND state = 'queued'
                     ORDER BY priority, id FOR UPDATE SKIP LOCKED LIMIT 1)
         RETURNING id, payload`,
};
const FINISH = {
  name: "finish",
  text: "UPDATE jobs SET state = 'done', finished_at = now() WHERE id = $1 AND worker = $2 AND state = 'claimed'",
};
/** What workers can do, and what they can't: raw SQL has no such notion, so each is a queue of its own. */
const QUEUE = "linux";
const ELSEWHERE = "mac";

/** @param {import("./postgres.mjs").Place} place */
export async function open(place) {
  const database = await freshDatabase(place);
  await withClient(database.direct, async (client) => {
    await client.query(SCHEMA);
  });
  /** @param {number} jobs @param {string} queue */
  const fill = async (jobs, queue) => {
    await withClient(database.direct, async (client) => {
      const text = `INSERT INTO jobs (queue, payload) SELECT $1, '{"n":1}' FROM generate_series(1, $2::int)`;
      await client.query(text, [queue, jobs]);
    });
    await settle(database.direct);
  };
  return {
    fill: (/** @type {number} */ jobs) => fill(jobs, QUEUE),
    fillIneligible: (/** @type {number} */ jobs) => fill(jobs, ELSEWHERE),
    crew: (/** @type {number} */ workers) => crewOf(database.measured, workers),
    close: () => database.drop(),
  };
}

/** One connection for each worker. @param {pg.ClientConfig} where @param {number} workers */
async function crewOf(where, workers) {
  const pool = new pg.Pool({ ...where, max: workers });
  pool.on("error", () => undefined);
  const hands = Array.from({ length: workers }, (_, n) => {
    const worker = `worker-${n}`;
    return {
      async claim() {
        const { rows } = await pool.query({ ...CLAIM, values: [QUEUE, worker] });
        return rows[0];
      },
      async finish(/** @type {{ id: string }} */ { id }) {
        const { rowCount } = await pool.query({ ...FINISH, values: [id, worker] });
        if (rowCount !== 1) throw new Error(`job ${id} was not finished`);
      },
    };
  });
  return { kind: "pull", hands, end: () => pool.end() };
}
