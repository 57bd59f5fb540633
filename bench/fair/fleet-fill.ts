/** Jobs for this project's queue: one through `submit`, and copies of what that stored. */
import { DatabaseSync } from "node:sqlite";
import { submit } from "../../shared/core/submit.js";
import type { Job } from "../../shared/schema/job.js";
import { submission } from "../../shared/schema/requests.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { fleetOn } from "./fleet-on.js";
import type { Queue } from "./queue.js";

export const PRODUCT = "bench";
/** What every worker can do, and what none can. */
export const CAPABILITY = "linux";
const ELSEWHERE = "mac";

/** So many copies are quicker without the indexes, which are made anew at the end. */
const REINDEXED_FROM = 50_000;

/**
 * Fills the file behind the store's back, by one transaction: a submission would be one each, and a million of
 * them a quarter of an hour. A copy differs from the job that was submitted in its id, its key and its place in the queue.
 */
export function fillOf(path: string): Pick<Queue, "fill" | "fillIneligible"> {
  let filled = 0;
  const fill = async (jobs: number, capability: string): Promise<void> => {
    const submitted = await submitOne(path, `job-${++filled}`, capability);
    copy(path, submitted, jobs - 1);
  };
  return {
    fill: (jobs) => fill(jobs, CAPABILITY),
    fillIneligible: (jobs) => fill(jobs, ELSEWHERE),
  };
}

async function submitOne(path: string, idempotencyKey: string, capability: string): Promise<Job> {
  const store = openSqliteStore({ path, synchronous: "normal" });
  const request = { idempotencyKey, bodyMd: "no-op", capabilities: [capability] };
  const answer = await submit(fleetOn(store), PRODUCT, submission.parse(request));
  store.close();
  if (answer.kind !== "created") throw new Error(`submit: ${answer.kind}`);
  return answer.job;
}

function copy(path: string, { id, idempotencyKey, order }: Job, jobs: number): void {
  const db = new DatabaseSync(path);
  const row = db.prepare("SELECT body FROM fleet_jobs WHERE pk = ? AND id = ?").get(PRODUCT, id);
  const body = String(row?.["body"]);
  const indexes = jobs < REINDEXED_FROM ? [] : indexesOf(db);
  const insert = db.prepare("INSERT INTO fleet_jobs (pk, id, etag, body) VALUES (?, ?, ?, ?)");
  db.exec("PRAGMA synchronous = OFF; BEGIN IMMEDIATE");
  for (const { name } of indexes) db.exec(`DROP INDEX "${String(name)}"`);
  for (let n = 1; n <= jobs; n++) {
    // As spread as ids are that hash a key, and as long.
    const copied = `j${String((n * 2_654_435_761) % 4_294_967_296).padStart(10, "0")}${id.slice(11, -8)}${String(n).padStart(8, "0")}`;
    const text = body
      .replaceAll(id, copied)
      .replaceAll(`"${idempotencyKey}"`, `"${idempotencyKey}-${n}"`)
      .replaceAll(String(order), String(order + n));
    insert.run(PRODUCT, copied, `copy-${n}`, text);
  }
  for (const { sql } of indexes) db.exec(String(sql));
  // What the fill left in the log is none of the measurement.
  db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

function indexesOf(db: DatabaseSync): Record<string, unknown>[] {
  const where = "type = 'index' AND tbl_name = 'fleet_jobs' AND sql IS NOT NULL";
  return db.prepare(`SELECT name, sql FROM sqlite_schema WHERE ${where}`).all();
}
