import { connect } from "../../shared/core/fleet.js";
import type { Fleet, Rules } from "../../shared/core/fleet.js";
import type { Blobs } from "../../shared/core/ports/blobs.js";
import type { Store } from "../../shared/core/ports/store.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { claim } from "../../shared/core/claim.js";
import type { Claimed } from "../../shared/core/claim.js";
import { submit } from "../../shared/core/submit.js";
import type { Decision } from "../../shared/schema/decision.js";
import type { Job } from "../../shared/schema/job.js";
import { submission } from "../../shared/schema/requests.js";
import type { HeartbeatRequest } from "../../shared/schema/requests.js";
import type { z } from "zod";

export const PRODUCT = "acme";
export const LEASE_SECONDS = 90;
export const SKEW_SECONDS = 2;
/** Noon: a day like any other, long before and after every instant in a test. */
const START_MS = Date.UTC(2026, 0, 15, 12);

/** A clock that stands still until a test moves it. */
export class TestClock {
  ms = START_MS;
  now(): number {
    return this.ms;
  }
  advance(seconds: number): void {
    this.ms += seconds * 1000;
  }
}

export interface World {
  readonly fleet: Fleet;
  readonly clock: TestClock;
  readonly log: string[];
  /** What it told, in order. */
  readonly decisions: Decision[];
}

/**
 * A coordinator on `store` whose clock stands still, whose ids count, whose chance always falls on
 * `chance`, and whose waits take no time. Several on one store are several instances.
 */
export function aWorld(
  store: Store,
  options: {
    clock?: TestClock;
    chance?: number;
    name?: string;
    blobs?: Blobs;
    retentionDays?: number;
    queuedJobsMax?: number;
  } = {},
): World {
  const clock = options.clock ?? new TestClock();
  const log: string[] = [];
  const decisions: Decision[] = [];
  const write = (line: string): void => void log.push(line);
  let ids = 0;
  const rules: Rules = {
    leaseSeconds: LEASE_SECONDS,
    factoryStaleSeconds: 120,
    clockSkewSecondsMax: SKEW_SECONDS,
    retentionDays: options.retentionDays ?? 0,
    queuedJobsMax: options.queuedJobsMax ?? 0,
  };
  const fleet = connect(
    {
      store,
      ...(options.blobs === undefined ? {} : { blobs: options.blobs }),
      clock,
      ids: { unique: () => `${options.name ?? "one"}-${++ids}` },
      random: { next: () => options.chance ?? 0 },
      pause: () => Promise.resolve(),
      log: { info: write, warn: write, error: write, decision: (told) => decisions.push(told) },
    },
    rules,
  );
  return { fleet, clock, log, decisions };
}

/** Submits a job, and returns it. Everything but its key has a default. */
export async function aJob(
  { fleet, clock }: World,
  given: Partial<z.input<typeof submission>> & { idempotencyKey: string },
  productId = PRODUCT,
): Promise<Job> {
  // A millisecond later than anything before: age is told apart.
  clock.ms += 1;
  const submitted = await submit(fleet, productId, submission.parse({ bodyMd: "Build it.", ...given }));
  if (!("job" in submitted)) throw new Error(`not accepted: ${submitted.kind}`);
  return submitted.job;
}

/** A factory that has just sent a heartbeat. Returns its id. */
export async function aFactory(
  { fleet }: World,
  factoryId: string,
  given: Partial<HeartbeatRequest> = {},
  productId = PRODUCT,
): Promise<string> {
  const request: HeartbeatRequest = {
    factoryId,
    capabilities: [],
    engines: [],
    seatLimit: 10,
    load: 0,
    health: "ok",
  };
  await heartbeat(fleet, productId, { ...request, ...given });
  return factoryId;
}

type Won = Extract<Claimed, { kind: "claimed" }>;

/** Claims, and insists on a job. */
export async function mustClaim({ fleet }: World, factoryId: string, productId = PRODUCT): Promise<Won> {
  const claimed = await claim(fleet, productId, { factoryId });
  if (claimed.kind !== "claimed") throw new Error(`no job: ${JSON.stringify(claimed)}`);
  return claimed;
}

/** The job as it is stored now. */
export async function stored({ fleet }: World, job: Pick<Job, "id" | "productId">): Promise<Job> {
  const found = await fleet.jobs.get(job.productId, job.id);
  if (found === undefined) throw new Error(`job ${job.id} is gone`);
  return found.doc;
}
