/** What must be so in a database file whose coordinators were killed, looked at from outside. */
import { DatabaseSync } from "node:sqlite";
import type { EventDocument, JobEvent } from "../../shared/schema/event.js";
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import type { Run } from "../../shared/schema/run.js";
import { isOwnedStage } from "../../shared/schema/stages.js";

/** Something a client was told had happened: it must be an event of the job, once. */
export interface Acknowledged {
  readonly jobId: string;
  readonly type: string;
  readonly leaseEpoch: number;
  readonly to: string;
}

interface Record {
  readonly job: Job;
  readonly lease: Lease | undefined;
  /** Those that are stored and those that wait in the job, by number. */
  readonly events: readonly JobEvent[];
}

export interface FileReport {
  readonly jobs: number;
  readonly events: number;
  /** What is yet to be tidied up; undefined: nothing. */
  readonly undone: string | undefined;
}

/** Throws at the first acknowledged thing that is not there, and the first invariant of the protocol that does not hold. */
export function checkFile(path: string, log: readonly Acknowledged[]): FileReport {
  const { records, runs } = readFile(path);
  for (const record of records.values()) checkRecord(record);
  for (const acknowledged of log) {
    const { jobId, type, leaseEpoch, to } = acknowledged;
    const found = (records.get(jobId)?.events ?? []).filter(
      ({ type: known, data }) => known === type && data["leaseEpoch"] === leaseEpoch && data["to"] === to,
    );
    if (found.length !== 1)
      throw new Error(`${type} of ${jobId} was acknowledged once and is there ${found.length} times`);
  }
  const all = [...records.values()];
  const events = all.reduce((sum, record) => sum + record.events.length, 0);
  return { jobs: records.size, events, undone: whatIsUndone(all, runs) };
}

/** One moment of the file: whoever writes meanwhile is not seen. */
function readFile(path: string): { records: Map<string, Record>; runs: Run[] } {
  const db = new DatabaseSync(path, { timeout: 5000 });
  try {
    db.exec("BEGIN");
    const all = <T>(container: string): T[] =>
      db
        .prepare(`SELECT body FROM ${container}`)
        .all()
        .map(({ body }) => JSON.parse(String(body)) as T);
    const leases = new Map(all<Lease>("fleet_leases").map((lease) => [lease.id, lease]));
    const stored = Map.groupBy(all<EventDocument>("fleet_events"), ({ jobId }) => jobId);
    const records = all<Job>("fleet_jobs").map((job): [string, Record] => {
      const events = new Map<number, JobEvent>();
      for (const event of [...job.outbox, ...(stored.get(job.id) ?? [])]) events.set(event.seq, event);
      const inOrder = [...events.values()].sort((a, b) => a.seq - b.seq);
      return [job.id, { job, lease: leases.get(job.id), events: inOrder }];
    });
    return { records: new Map(records), runs: all<Run>("fleet_runs") };
  } finally {
    db.close();
  }
}

/** The invariants that one moment can show: docs/protocol.md numbers them. */
function checkRecord({ job, lease, events }: Record): void {
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${job.id}: ${what}`);
  };
  must(
    events.length === job.eventSeq && events.every(({ seq }, place) => seq === place + 1),
    "its events have a gap (10)",
  );
  const last = events.at(-1)?.data ?? {};
  must(
    JSON.stringify([last["to"], last["leaseEpoch"], last["attempt"], last["holderFactoryId"]]) ===
      JSON.stringify([job.stage, job.leaseEpoch, job.attempt, job.holderFactoryId]),
    "its last event tells of another job (11)",
  );
  const of = (type: string) => events.filter((event) => event.type === type);
  must(of("shipped").length === (job.stage === "shipped" ? 1 : 0), "it did not ship exactly once (6)");
  const epochs = of("claimed").map(({ data }) => data["leaseEpoch"]);
  must(new Set(epochs).size === epochs.length, "an epoch was claimed twice (1)");
  must(job.attempt === epochs.length - of("released").length, "its attempts are not its claims (14)");
  if (lease === undefined) return;
  must(lease.leaseEpoch <= job.leaseEpoch, "its lease is ahead of it (9)");
  const both = isOwnedStage(job.stage) && lease.status === "held" && lease.leaseEpoch === job.leaseEpoch;
  must(!both || lease.holderFactoryId === job.holderFactoryId, "it and its lease have two holders (9)");
}

function whatIsUndone(records: readonly Record[], runs: readonly Run[]): string | undefined {
  for (const { job, lease } of records) {
    if (isOwnedStage(job.stage)) return `${job.id} is owned by the dead`;
    if (job.dirty === true) return `${job.id} is dirty`;
    if (lease?.status === "held") return `the lease of ${job.id} is held`;
  }
  const open = runs.find(({ endedAt }) => endedAt === undefined);
  return open && `the run ${open.id} is open`;
}
