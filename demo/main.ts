/**
 * `npm run demo`: two factories, a graph of five jobs, a murder, a zombie, a cancel and a budget. Starts a coordinator of
 * its own in a scratch folder. Prints the story as it happens, and ends non-zero if anything in it
 * is not so.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { client, pause, say } from "./client.js";
import type { Answer, Call, DemoJob } from "./client.js";
import { tellOfStops } from "./stops.js";

/** Short, so that the audience need not wait: a lost job is noticed within lease + skew + one tick. */
const LEASE_SECONDS = 2;
/** The whole demo takes about 15 s; a machine that is six times slower still tells its story. */
const DEMO_MS_MAX = 60_000;

/** Each job's output is its name and a line per step, so that a step that ran twice would show. */
const step = (n: number) => `echo "step ${n}" >> out.txt; sleep 0.3`;
const JOBS = [
  { idempotencyKey: "schema", priority: "high", deps: [], steps: [step(1)] },
  { idempotencyKey: "api", priority: "high", deps: ["key:schema"], steps: [1, 2, 3, 4].map(step) },
  { idempotencyKey: "ui", deps: ["key:schema"], steps: [1, 2].map(step) },
  { idempotencyKey: "docs", priority: "low", deps: [], steps: [1, 2].map(step) },
  { idempotencyKey: "release", deps: ["key:api", "key:ui"], steps: [step(1)] },
];

const children: ChildProcess[] = [];
const factories = new Map<string, ChildProcess>();

/** Who waits for a factory to say a line that begins so. */
const waiting = new Map<string, () => void>();

function hear(beginning: string): Promise<void> {
  return new Promise((resolve) => waiting.set(beginning, resolve));
}

function heard(line: string): void {
  for (const [beginning, resolve] of waiting) if (line.startsWith(beginning)) resolve();
}

/** Something the audience was told would be so. */
function must(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`it is not so that ${claim}`);
  say(`  ✓ ${claim}`);
}

function start(script: string, args: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

/** Calls `tell` with each line that the process prints. */
function listen(child: ChildProcess, tell: (line: string) => void): void {
  if (child.stdout) createInterface({ input: child.stdout }).on("line", tell);
}

async function startCoordinator(folder: string, key: string): Promise<string> {
  const sha256 = createHash("sha256").update(key).digest("hex");
  const entry = { name: "demo", sha256, products: ["demo"], roles: ["submit", "factory", "read"] };
  const coordinator = start("../host/main.js", [], {
    DB_PROVIDER: "sqlite",
    FLEET_DIR: folder,
    SQLITE_PATH: join(folder, "fleet.db"),
    FLEET_API_KEYS: JSON.stringify([entry]),
    LEASE_SECONDS: String(LEASE_SECONDS),
    CLOCK_SKEW_SECONDS_MAX: "0",
    REAPER_SCHEDULE: "* * * * * *",
    PORT: "0",
  });
  return new Promise((resolve, reject) => {
    coordinator.once("exit", () => {
      reject(new Error("the coordinator did not start"));
    });
    listen(coordinator, (line) => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (url !== undefined) resolve(url);
    });
  });
}

async function submitGraph(call: Call): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const { steps, ...job } of JOBS) {
    const bodyMd = `Build ${job.idempotencyKey}.`;
    const { status, body } = await call("POST", "/fleet/jobs", {
      ...job,
      bodyMd,
      capabilities: ["shell"],
      manifestSnapshot: { steps },
    });
    if (status !== 201) throw new Error(`submit ${job.idempotencyKey}: ${status} ${JSON.stringify(body)}`);
    const created = body["job"] as DemoJob;
    ids.set(job.idempotencyKey, created.id);
    say(`submitted ${job.idempotencyKey}: ${created.stage}`);
  }
  return ids;
}

/** Lets both factories work, and kills the one that reports the second checkpoint of `api`. Returns its name. */
function murder(env: Record<string, string>): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ["factory-a", "factory-b"]) {
      const factory = start("factory.js", [], { ...env, FACTORY_ID: name });
      factories.set(name, factory);
      listen(factory, (line) => {
        say(`[${name}] ${line}`);
        heard(line);
        if (!line.startsWith("checkpoint api 2/") || factories.size < 2) return;
        factory.kill("SIGKILL");
        factories.delete(name);
        say(
          `☠ ${name} is killed with SIGKILL, in the middle of api; its lease runs out in ${LEASE_SECONDS} s`,
        );
        resolve(name);
      });
    }
  });
}

async function untilShipped(call: Call, ids: readonly string[]): Promise<DemoJob[]> {
  for (;;) {
    const answers = await Promise.all(ids.map((id) => call("GET", `/fleet/jobs/${id}`)));
    const jobs = answers.map(({ body }) => body as unknown as DemoJob);
    if (jobs.every((job) => job.stage === "shipped")) return jobs;
    await pause(200);
  }
}

/** The dead factory's machine comes back with its old belief. Returns what the coordinator answers it. */
async function returnOfTheDead(name: string, env: Record<string, string>): Promise<Answer> {
  const zombie = start("factory.js", ["--returned"], { ...env, FACTORY_ID: name });
  return new Promise((resolve, reject) => {
    listen(zombie, (line) => {
      if (line.startsWith("ANSWER ")) resolve(JSON.parse(line.slice("ANSWER ".length)) as Answer);
      else say(`[${name}] ${line}`);
    });
    zombie.once("exit", (code) => {
      if (code !== 0) reject(new Error("the zombie could not speak"));
    });
  });
}

async function tell(folder: string): Promise<void> {
  const key = randomBytes(32).toString("base64url");
  const url = await startCoordinator(folder, key);
  say(`a coordinator runs at ${url}, with its data in ${folder}`);
  const call = client(url, key);
  const ids = await submitGraph(call);
  const apiId = ids.get("api") ?? "";
  const env = { FLEET_URL: url, FLEET_KEY: key, WORK_DIR: folder };

  const dead = await murder(env);
  const jobs = await untilShipped(call, [...ids.values()]);
  const survivor = [...factories.keys()][0] ?? "";
  const api = jobs.find((job) => job.id === apiId);
  say("all jobs are shipped. Is the story so?");
  must(api?.holderFactoryId === survivor, `${survivor} shipped api in place of ${dead}`);
  must(
    api?.attempt === 2 && api.leaseEpoch === 3,
    "api took two attempts: epoch 1 died, 2 fenced it off, 3 shipped",
  );
  const out = await readFile(join(folder, "wip/api/out.txt"), "utf8");
  const lines = out.trimEnd().split("\n");
  must(
    lines.filter((line) => line === "step 1").length === 1 &&
      lines.filter((line) => line === "step 2").length === 1,
    "the steps before the checkpoint ran once: the survivor resumed, it did not start again",
  );
  const { body } = await call("GET", `/fleet/jobs/${apiId}/events`);
  const types = (body["value"] as { type: string }[]).map(({ type }) => type);
  must(
    types.includes("expired") && types.at(-1) === "shipped",
    `the events of api say so: ${types.join(", ")}`,
  );

  const before = await call("GET", `/fleet/jobs/${apiId}`);
  const answer = await returnOfTheDead(dead, env);
  must(
    answer.status === 409 && answer.body["code"] === "stale_lease",
    "the zombie's late PATCH is refused: 409 stale_lease",
  );
  const directive = answer.body["directive"] as { action?: string } | undefined;
  must(directive?.action === "stop", "and it is told to stop");
  const after = await call("GET", `/fleet/jobs/${apiId}`);
  must(JSON.stringify(after.body) === JSON.stringify(before.body), "and nothing of api changed");
  await tellOfStops(call, hear, must, (LEASE_SECONDS * 1000) / 3);
}

const folder = await mkdtemp(join(tmpdir(), "fleet-demo-"));
try {
  const late = pause(DEMO_MS_MAX).then(() => Promise.reject(new Error("the demo takes too long")));
  await Promise.race([tell(folder), late]);
  say("the demo is over, and everything was so.");
} catch (error) {
  say(`the demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
}
process.exit();
