/**
 * Kills a coordinator under load, again and again, and checks after each restart that whatever it
 * acknowledged is there. What was acknowledged is noted by the clients' process, which lives on.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { startCoordinator } from "./coordinator.js";
import type { Answer, Coordinator } from "./coordinator.js";

const CLIENTS = 6;
/** Answers between two kills: from the very first to the middle of a busy time. */
const ANSWERS_MAX = 60;

/** Something a client was told had happened: it must be an event of the job, once. */
interface Acknowledged {
  readonly jobId: string;
  readonly type: string;
  readonly leaseEpoch: number;
  readonly to: string;
}

export interface TortureReport {
  readonly kills: number;
  readonly acknowledged: number;
  /** Requests that were under way at the moments of the kills. */
  readonly inFlight: number;
}

/** `random` gives numbers in [0, 1). Throws at the first thing that was acknowledged and is not there. */
export async function torture(folder: string, kills: number, random: () => number): Promise<TortureReport> {
  const log: Acknowledged[] = [];
  let inFlight = 0;
  for (let kill = 0; kill < kills; kill++) {
    const coordinator = await startCoordinator(folder);
    await verify(coordinator, log);
    inFlight += await loadUntilKilled(coordinator, `k${kill}`, 1 + Math.floor(random() * ANSWERS_MAX), log);
    checkIntegrity(folder);
  }
  const last = await startCoordinator(folder);
  await verify(last, log);
  await last.stop("SIGTERM");
  return { kills, acknowledged: log.length, inFlight };
}

/** Clients at work; after `answers` answers the coordinator is killed. Returns how many requests that cut off. */
async function loadUntilKilled(
  coordinator: Coordinator,
  round: string,
  answers: number,
  log: Acknowledged[],
): Promise<number> {
  let left = answers;
  let underWay = 0;
  let cutOff = 0;
  let killed: Promise<unknown> | undefined;
  const call = async (method: string, path: string, body: object): Promise<Answer> => {
    underWay++;
    try {
      const answer = await coordinator.call(method, path, body);
      if (--left === 0) {
        cutOff = underWay - 1;
        killed = coordinator.stop("SIGKILL");
      }
      return answer;
    } finally {
      underWay--;
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, n) => client(call, `${round}-${n}`, log));
  await Promise.allSettled(clients);
  await killed;
  return cutOff;
}

/** Submits, claims, works and ships until the coordinator is gone: then its calls throw. */
async function client(
  call: (method: string, path: string, body: object) => Promise<Answer>,
  factoryId: string,
  log: Acknowledged[],
): Promise<never> {
  const beat = { factoryId, capabilities: [], seatLimit: 10_000, load: 0, health: "ok" };
  await call("POST", "/fleet/factories/heartbeat", beat);
  for (let n = 0; ; n++) {
    const submitted = await call("POST", "/fleet/jobs", { idempotencyKey: `${factoryId}-${n}`, bodyMd: "x" });
    if (submitted.status === 201) note(log, "submitted", submitted.body["job"]);
    const claimed = await call("POST", "/fleet/claim", { factoryId });
    const job = claimed.body["job"] as { id: string; leaseEpoch: number } | null;
    if (claimed.status !== 200 || job === null) continue;
    note(log, "claimed", job);
    const mine = { factoryId, leaseEpoch: job.leaseEpoch };
    const built = await call("PATCH", `/fleet/jobs/${job.id}`, { ...mine, stage: "building" });
    if (built.status === 200) note(log, "stage_changed", built.body["job"]);
    const release = n % 4 === 3;
    const path = release ? `/fleet/jobs/${job.id}/lease/release` : `/fleet/jobs/${job.id}`;
    const ended = await call(
      release ? "POST" : "PATCH",
      path,
      release ? mine : { ...mine, stage: "shipped" },
    );
    if (ended.status === 200) note(log, release ? "released" : "shipped", ended.body["job"]);
  }
}

function note(log: Acknowledged[], type: string, job: unknown): void {
  const { id, leaseEpoch, stage } = job as { id: string; leaseEpoch: number; stage: string };
  log.push({ jobId: id, type, leaseEpoch, to: stage });
}

/** Every acknowledged operation is an event of its job, exactly once; and the events have no gap. */
async function verify(coordinator: Coordinator, log: readonly Acknowledged[]): Promise<void> {
  const byJob = Map.groupBy(log, ({ jobId }) => jobId);
  for (const [jobId, acknowledged] of byJob) {
    const { status, body } = await coordinator.call("GET", `/fleet/jobs/${jobId}/events?limit=200`);
    if (status !== 200) throw new Error(`job ${jobId} was acknowledged and is gone: ${status}`);
    const events = body["value"] as { seq: number; type: string; data: { leaseEpoch: number; to: string } }[];
    if (events.some(({ seq }, index) => seq !== index + 1))
      throw new Error(`the events of ${jobId} have a gap`);
    for (const { type, leaseEpoch, to } of acknowledged) {
      const found = events.filter(
        (event) => event.type === type && event.data.leaseEpoch === leaseEpoch && event.data.to === to,
      );
      if (found.length !== 1)
        throw new Error(`${type} of ${jobId} was acknowledged once and is there ${found.length} times`);
    }
  }
}

function checkIntegrity(folder: string): void {
  const database = new DatabaseSync(join(folder, "fleet.db"));
  try {
    const row = database.prepare("PRAGMA integrity_check").get();
    if (row?.["integrity_check"] !== "ok") throw new Error("the database is damaged");
  } finally {
    database.close();
  }
}
