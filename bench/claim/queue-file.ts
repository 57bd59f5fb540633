/**
 * A file of the embedded store with a long queue. Jobs are written behind the store's back, in one transaction, as
 * copies of one that was really submitted: whatever a submission stores besides the job is there, and whatever it
 * writes into a job is in each.
 */
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { fleetOn, PRODUCT, register, submitOne } from "./fleet-on.js";

/** Jobs of which a factory can take `queued`; `ineligible` others are older, and of a higher priority. */
export interface Queue {
  readonly queued: number;
  readonly ineligible: number;
}

export const FACTORY = "factory-1";
/** Different requirements among those that the factory does not meet. */
const REQUIREMENTS = 10;
const BODY = "b".repeat(200);

export async function fillFile(path: string, { queued, ineligible }: Queue): Promise<void> {
  const store = openSqliteStore({ path });
  const fleet = fleetOn(store);
  await register(fleet, FACTORY);
  const templates: { id: string; copies: number }[] = [];
  for (let n = 0; n < REQUIREMENTS && ineligible > 0; n++) {
    const asked = { capabilities: [`board-${n}`], priority: "critical", bodyMd: BODY } as const;
    const { id } = await submitOne(fleet, `ineligible-${n}`, { ...asked, capabilities: [`board-${n}`] });
    templates.push({ id, copies: Math.ceil(ineligible / REQUIREMENTS) - 1 });
  }
  const { id } = await submitOne(fleet, "queued", { bodyMd: BODY });
  templates.push({ id, copies: queued - 1 });
  store.close();

  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA synchronous = OFF");
    copyJobs(db, templates);
  } finally {
    db.close();
  }
}

/** Adds copies with ids, keys and orders of their own. Indexes are made anew afterwards: all at once is far quicker. */
function copyJobs(db: DatabaseSync, templates: readonly { id: string; copies: number }[]): void {
  const indexes = db
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'fleet_jobs' AND sql IS NOT NULL",
    )
    .all();
  db.exec("BEGIN IMMEDIATE");
  for (const { name } of indexes) db.exec(`DROP INDEX "${String(name)}"`);
  const copy = db.prepare(`
    INSERT INTO fleet_jobs (pk, id, etag, body)
    WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ?2)
    SELECT pk, printf('%s-%09d', id, n), printf('copy-%d', n), json_set(body,
      '$.id', printf('%s-%09d', id, n),
      '$.idempotencyKey', printf('%s-%d', body ->> '$.idempotencyKey', n),
      '$.order', (body ->> '$.order') + n)
    FROM fleet_jobs, copies WHERE pk = ?1 AND id = ?3`);
  for (const { id, copies } of templates) if (copies > 0) copy.run(PRODUCT, copies, id);
  for (const { sql } of indexes) db.exec(String(sql));
  db.exec("COMMIT");
}
