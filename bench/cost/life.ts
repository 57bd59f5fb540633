/**
 * One life of a job, through HTTP, on a warm instance: submitted, claimed, renewed ten times, patched four
 * times, the last of which ships it. A second job is claimed and released. Behind both, others wait.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Meter, Operation } from "../meter/meter.js";
import type { Json, MeteredApp } from "../meter/metered-app.js";

/** The calls of a step, as the meter saw them. */
export interface Step {
  readonly name: string;
  /** Part of a job's life; else beside it. */
  readonly inLife: boolean;
  readonly operations: readonly Operation[];
}

/** More than one window of a claim's candidates. */
const WAITING = 25;
export const RENEWALS = 10;
const CALL_PAUSE_MS = 2;
/** Passes of the reaper in which it gets round all that there is. */
export const PASSES = 2;
/** What the reaper does for a job that has ended, and what it does when there is nothing to do. */
export const SWEPT = `reaper x${PASSES}, after`;
export const IDLE = `reaper x${PASSES}, idle`;
const FACTORY = "factory-1";
const STAGES = ["building", "review", "testing", "shipped"] as const;

interface Held {
  readonly id: string;
  readonly leaseEpoch: number;
}

/** Runs the life of a job with a body of `kb` KB in a product of its own. */
export async function liveOnce(
  app: MeteredApp,
  meter: Meter,
  { kb, product }: { kb: number; product: string },
): Promise<Step[]> {
  const { submit, claim, renew, patch, release, heartbeat } = workOf(app, product, "b".repeat(kb * 1024));
  const steps: Step[] = [];
  const step = async <T>(name: string, inLife: boolean, work: () => Promise<T>): Promise<T> => {
    meter.taken();
    const answer = await work();
    steps.push({ name, inLife, operations: meter.taken() });
    return answer;
  };
  const reap = async (): Promise<void> => {
    for (let n = 0; n < PASSES; n++) await app.runReaper();
  };

  await heartbeat(FACTORY);
  for (let n = 0; n < WAITING; n++) await submit(`waiting-${n}`);
  // The instance is warm once it has seen all of it.
  await release(await claim());
  const first = await claim();
  await renew(first);
  for (const stage of STAGES) await patch(first, stage);
  await reap();

  await step("submit", true, () => submit("measured"));
  // Claims take the oldest first. All are of one size: it doesn't matter whose life is measured.
  const held = await step("claim", true, claim);
  await step(`renew x${RENEWALS}`, true, async () => {
    for (let n = 0; n < RENEWALS; n++) await renew(held);
  });
  for (const stage of STAGES) await step(`patch ${stage}`, true, () => patch(held, stage));
  await step(SWEPT, false, reap);
  await step(IDLE, false, reap);
  const second = await claim();
  await step("release", false, () => release(second));
  await step("heartbeat", false, () => heartbeat(FACTORY));

  const idle = workOf(app, `${product}-idle`, "");
  await idle.heartbeat(FACTORY);
  // The first one also looks for what a dead factory left behind.
  await idle.claimNothing();
  await step("claim, nothing", false, idle.claimNothing);
  return steps;
}

function workOf(app: MeteredApp, product: string, bodyMd: string) {
  const call = async (method: string, path: string, body: Json): Promise<Json> => {
    // Two calls of one millisecond would write the same instants, and change fewer terms of the index.
    await sleep(CALL_PAUSE_MS);
    return app.call(product, method, path, body);
  };
  const claimNothing = () => call("POST", "/fleet/claim", { factoryId: FACTORY });
  return {
    submit: (key: string) => call("POST", "/fleet/jobs", { idempotencyKey: key, bodyMd }),
    claim: async (): Promise<Held> => heldIn(await claimNothing()),
    claimNothing,
    renew: (held: Held) => call("POST", `/fleet/jobs/${held.id}/lease/renew`, asHolder(held)),
    patch: (held: Held, stage: string) =>
      call("PATCH", `/fleet/jobs/${held.id}`, { ...asHolder(held), stage, checkpoint: checkpointOf(stage) }),
    release: (held: Held) =>
      call("POST", `/fleet/jobs/${held.id}/lease/release`, { ...asHolder(held), reason: "Out of tokens." }),
    heartbeat: (factoryId: string) => {
      const state = { capabilities: [], engines: ["claude"], seatLimit: 10, load: 1, health: "ok" };
      return call("POST", "/fleet/factories/heartbeat", { factoryId, ...state });
    },
  };
}

function asHolder({ leaseEpoch }: Held) {
  return { factoryId: FACTORY, leaseEpoch };
}

function heldIn(answer: Readonly<Record<string, unknown>>): Held {
  const { job } = answer as { job?: Held };
  if (job === undefined) throw new Error(`no job: ${JSON.stringify(answer)}`);
  return { id: job.id, leaseEpoch: job.leaseEpoch };
}

function checkpointOf(stage: string) {
  return {
    wipBranch: `wip/${stage}`,
    wipBase: "main",
    wipCommit: "0123456789abcdef0123456789abcdef01234567",
  };
}
