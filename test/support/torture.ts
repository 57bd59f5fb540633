/**
 * Kills coordinators under load, again and again, and checks after each restart that whatever they
 * acknowledged is there. What was acknowledged is noted by the clients' process, which lives on.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCoordinator } from "./coordinator.js";
import type { Answer, Coordinator } from "./coordinator.js";
import { checkFile } from "./torture-check.js";
import type { Acknowledged } from "./torture-check.js";

/** Clients of each coordinator. */
const CLIENTS = 6;
/** Answers between two kills: from the very first to the middle of a busy time. */
const ANSWERS_MAX = 60;
/** The kill comes up to so long after the last of them: not only while an answer is under way. */
const KILL_MS_MAX = 10;
/** Acknowledged operations, the last ones, whose jobs a restarted coordinator is asked for. */
const ASKED = 5;
/** Longer than the grace of a claim that died before its lease, and all the reaper's ticks for it. */
const SETTLE_MS_MAX = 120_000;
/** Leases run out and are reaped while others are killed. The storage of artifacts has no part in this. */
const ENVIRONMENT = {
  REAPER_SCHEDULE: "* * * * * *",
  LEASE_SECONDS: "2",
  CLOCK_SKEW_SECONDS_MAX: "0",
  AzureWebJobsStorage: "UseDevelopmentStorage=true",
};

export interface TortureReport {
  readonly kills: number;
  readonly requests: number;
  readonly acknowledged: number;
  /** Requests that were under way at the moments of the kills; and the fewest of any kill. */
  readonly inFlight: number;
  readonly inFlightMin: number;
  /** Jobs and events in the file at the end. */
  readonly jobs: number;
  readonly events: number;
}

interface Plan {
  readonly kills: number;
  /** Coordinators on the one file, each killed at moments of its own while the others go on. */
  readonly processes: number;
  /** Gives numbers in [0, 1). */
  readonly random: () => number;
  /** Whether the last coordinator is waited for until it has tidied up. */
  readonly settle?: boolean;
}

/** Throws at the first thing that was acknowledged and is not there, and the first invariant that does not hold. */
export async function torture(folder: string, plan: Plan): Promise<TortureReport> {
  const log: Acknowledged[] = [];
  /** Requests under way, per kill. */
  const cutOff: number[] = [];
  const path = join(folder, "fleet.db");
  let [begun, requests] = [0, 0];
  const live = async (name: string): Promise<void> => {
    while (begun < plan.kills) {
      const life = `${name}-${++begun}`;
      const coordinator = await startCoordinator(folder, ENVIRONMENT);
      checkFile(path, log);
      await checkAnswers(coordinator, log);
      const answers = 1 + Math.floor(plan.random() * ANSWERS_MAX);
      const load = { coordinator, life, answers, killMs: plan.random() * KILL_MS_MAX, log };
      const killed = await loadUntilKilled(load);
      cutOff.push(killed.underWay);
      requests += killed.requests;
      checkIntegrity(path);
    }
  };
  await Promise.all(Array.from({ length: plan.processes }, (_, n) => live(`p${n}`)));
  const last = await startCoordinator(folder, ENVIRONMENT);
  const untilMs = performance.now() + SETTLE_MS_MAX;
  while (plan.settle === true && checkFile(path, log).undone !== undefined && performance.now() < untilMs)
    await sleep(500);
  await last.stop("SIGTERM");
  const { jobs, events, undone } = checkFile(path, log);
  if (plan.settle === true && undone !== undefined) throw new Error(undone);
  const inFlight = cutOff.reduce((sum, one) => sum + one, 0);
  const inFlightMin = Math.min(...cutOff);
  return { kills: cutOff.length, requests, acknowledged: log.length, inFlight, inFlightMin, jobs, events };
}

interface Load {
  readonly coordinator: Coordinator;
  readonly life: string;
  /** How many are waited for before the kill, and how many milliseconds longer. */
  readonly answers: number;
  readonly killMs: number;
  readonly log: Acknowledged[];
}

/** Clients at work; after some answers, while others are under way, the coordinator is killed. */
async function loadUntilKilled({
  coordinator,
  life,
  answers,
  killMs,
  log,
}: Load): Promise<{ requests: number; underWay: number }> {
  let [requests, underWay, atKill] = [0, 0, 0];
  let killed: Promise<unknown> | undefined;
  const kill = async (): Promise<void> => {
    do await sleep(killMs);
    while (underWay === 0);
    atKill = underWay;
    await coordinator.stop("SIGKILL");
  };
  const call = async (method: string, path: string, body: object): Promise<Answer> => {
    underWay++;
    try {
      const answer = await coordinator.call(method, path, body);
      if (++requests >= answers) killed ??= kill();
      return answer;
    } finally {
      underWay--;
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, n) => client(call, `${life}-${n}`, log));
  await Promise.allSettled(clients);
  await killed;
  return { requests, underWay: atKill };
}

/** What was acknowledged last before the kill is what a restarted coordinator tells. */
async function checkAnswers(coordinator: Coordinator, log: readonly Acknowledged[]): Promise<void> {
  for (const { jobId, type } of log.slice(-ASKED)) {
    const { status, body } = await coordinator.call("GET", `/fleet/jobs/${jobId}/events?limit=200`);
    const events = (body["value"] ?? []) as { type: string }[];
    if (status !== 200 || !events.some((event) => event.type === type))
      throw new Error(`${type} of ${jobId} was acknowledged, and is not told of: ${status}`);
  }
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

function checkIntegrity(path: string): void {
  const database = new DatabaseSync(path, { timeout: 5000 });
  try {
    const row = database.prepare("PRAGMA integrity_check").get();
    if (row?.["integrity_check"] !== "ok") throw new Error("the database is damaged");
  } finally {
    database.close();
  }
}
