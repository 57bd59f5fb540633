// @ts-check
/** What the three queues on PostgreSQL share: a fresh database for each measurement. */
import pg from "pg";

/**
 * How a peer is reached. `direct` is the server's own port, for what is not measured; `port` may be a proxy's.
 * @typedef {{ port: number, direct: number, durability: "power" | "process" }} Place
 */

let made = 0;

/**
 * Makes a database, with synchronous_commit off where only the end of the process is to be survived:
 * https://www.postgresql.org/docs/15/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT
 * @param {Place} place
 */
export async function freshDatabase({ port, direct, durability }) {
  const name = `bench_${process.pid}_${++made}`;
  const server = new pg.Client({ host: "127.0.0.1", port: direct, user: "bench", database: "postgres" });
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  const commit = durability === "power" ? "on" : "off";
  await server.query(`ALTER DATABASE ${name} SET synchronous_commit = ${commit}`);
  return {
    /** For what is measured. */
    measured: { host: "127.0.0.1", port, user: "bench", database: name },
    /** For what is not: fills, and the schema. */
    direct: { host: "127.0.0.1", port: direct, user: "bench", database: name },
    async drop() {
      await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await server.end();
    },
  };
}

/**
 * Runs statements on a connection of their own.
 * @param {pg.ClientConfig} where
 * @param {(client: pg.Client) => Promise<void>} work
 */
export async function withClient(where, work) {
  const client = new pg.Client(where);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/**
 * After a large insert, what autovacuum would do within a minute: statistics, and the visibility map.
 * @param {pg.ClientConfig} where
 */
export async function settle(where) {
  await withClient(where, async (client) => {
    await client.query("VACUUM ANALYZE");
  });
}
