/**
 * A factory of the demo: a process of its own that knows nothing but the coordinator's URL. It claims a
 * job, runs its steps in a shell, reports a checkpoint after each, renews its lease meanwhile, and obeys
 * every directive. `--returned`: it comes back from the dead, and goes on where it believes it was.
 */
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { client, pause, say } from "./client.js";
import type { DemoJob } from "./client.js";

const { FLEET_URL = "", FLEET_KEY = "", FACTORY_ID = "", WORK_DIR = "" } = process.env;
const call = client(FLEET_URL, FLEET_KEY);
const run = promisify(execFile);
/** What this machine remembers of its work, on disk: so it can come back with an old belief. */
const memory = join(WORK_DIR, `${FACTORY_ID}.json`);

interface Belief {
  readonly jobId: string;
  readonly key: string;
  readonly leaseEpoch: number;
}

async function heartbeat(): Promise<void> {
  const beat = { factoryId: FACTORY_ID, capabilities: ["shell"], seatLimit: 1, load: 0, health: "ok" };
  await call("POST", "/fleet/factories/heartbeat", beat);
}

async function work(job: DemoJob, renewAfterSeconds: number): Promise<void> {
  const mine = { factoryId: FACTORY_ID, leaseEpoch: job.leaseEpoch };
  const belief: Belief = { jobId: job.id, key: job.idempotencyKey, leaseEpoch: job.leaseEpoch };
  await writeFile(memory, JSON.stringify(belief));
  const stop = new AbortController();
  let renewals = 0;
  const renew = async (): Promise<void> => {
    const tokensIn = ++renewals * (job.manifestSnapshot.tokensPerRenewal ?? 0);
    const report = { ...mine, insights: { tokensIn } };
    const { body } = await call("POST", `/fleet/jobs/${job.id}/lease/renew`, report);
    const directive = body["directive"] as { action: string; reason?: string } | undefined;
    if (directive?.action === "stop") stop.abort(directive.reason);
  };
  const renewing = setInterval(() => {
    // A renewal that fails is tried again in a third of the lease; a lost job shows at the next report.
    renew().catch(() => undefined);
  }, renewAfterSeconds * 1000);
  try {
    await workThrough(job, mine, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say(`stops ${job.idempotencyKey}: ${String(stop.signal.reason)}`);
  } finally {
    clearInterval(renewing);
  }
}

async function workThrough(
  job: DemoJob,
  mine: { factoryId: string; leaseEpoch: number },
  signal: AbortSignal,
): Promise<void> {
  const branch = `wip/${job.idempotencyKey}`;
  const folder = join(WORK_DIR, branch);
  await mkdir(folder, { recursive: true });
  const { steps } = job.manifestSnapshot;
  const done = Number(job.checkpoint?.wipCommit.replace("step-", "") ?? 0);
  const from = done === 0 ? "from the start" : `from its checkpoint: step ${done} of ${steps.length} is done`;
  say(`claimed ${job.idempotencyKey} (epoch ${job.leaseEpoch}, attempt ${job.attempt}), begins ${from}`);
  for (const [index, step] of steps.entries()) {
    if (index < done) continue;
    await run("sh", ["-c", step], { cwd: folder, signal });
    const checkpoint = { wipBranch: branch, wipCommit: `step-${index + 1}` };
    const answer = await call("PATCH", `/fleet/jobs/${job.id}`, { ...mine, stage: "building", checkpoint });
    if (answer.status !== 200) {
      say(`stops ${job.idempotencyKey}: ${String(answer.body["code"])}`);
      return;
    }
    say(`checkpoint ${job.idempotencyKey} ${index + 1}/${steps.length}`);
  }
  const result = { output: await readFile(join(folder, "out.txt"), "utf8") };
  const shipped = await call("PATCH", `/fleet/jobs/${job.id}`, {
    ...mine,
    stage: "shipped",
    result,
    exit: 0,
  });
  say(
    `${shipped.status === 200 ? "shipped" : `could not ship (${String(shipped.body["code"])})`} ${job.idempotencyKey}`,
  );
}

async function comeBack(): Promise<void> {
  const { jobId, key, leaseEpoch } = JSON.parse(await readFile(memory, "utf8")) as Belief;
  say(`is back from the dead, believes that it holds ${key} at epoch ${leaseEpoch}, and ships it`);
  const late = { factoryId: FACTORY_ID, leaseEpoch, stage: "shipped", result: { output: "a zombie's" } };
  const answer = await call("PATCH", `/fleet/jobs/${jobId}`, late);
  say(`ANSWER ${JSON.stringify(answer)}`);
}

async function claimAndWork(): Promise<void> {
  for (;;) {
    await heartbeat();
    const { status, body } = await call("POST", "/fleet/claim", { factoryId: FACTORY_ID });
    const { job, lease } = body as { job?: DemoJob | null; lease?: { renewAfterSeconds: number } };
    if (status === 200 && job && lease) await work(job, lease.renewAfterSeconds);
    // The demo asks more often than retryAfterSeconds says: it has an audience.
    else await pause(250);
  }
}

await (process.argv.includes("--returned") ? comeBack() : claimAndWork());
