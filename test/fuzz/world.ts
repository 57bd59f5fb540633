/** What is there when a request is sent: a product with a factory, a profile, and a job that it holds or that has failed. */
import type { Shape } from "./shape.js";
import { KEY } from "./shape.js";
import { LIVE } from "./derive.js";
import type { Request } from "./socket.js";
import type { Target } from "./target.js";

/** Requests to one product. Lists stay short, and of sets of requirements it can have 256. */
const REQUESTS_PER_PRODUCT = 300;
/** Claims until one gives the job that was just submitted: before it, they give what fuzzed requests left. */
const CLAIMS_MAX = 50;
const LIMIT_MS = 20_000;

export interface World {
  /** The request that the shape stands for now. */
  made(shape: Shape): Promise<Request>;
  /** The document of the job that the last one was about, as it is now. */
  job(): Readonly<Record<string, unknown>> | undefined;
}

export function worldOn(target: Target): World {
  let products = 0;
  const product = (): string => `product-${products}`;
  let requests = 0;
  let held = { job: "", epoch: 0 };
  let failed = "";
  let last = "";

  const call = async (method: string, path: string, body: object): Promise<Record<string, unknown>> => {
    const headers = [
      ["authorization", `Bearer ${KEY}`],
      ["x-product-id", product()],
      ["content-type", "application/json"],
    ] as const;
    const answer = await target.overHttp(
      { method, target: path, headers, body: Buffer.from(JSON.stringify(body)) },
      LIMIT_MS,
    );
    if (typeof answer === "string" || answer.status >= 300)
      throw new Error(`${method} ${path} was answered ${typeof answer === "string" ? answer : answer.text}`);
    return JSON.parse(answer.text) as Record<string, unknown>;
  };
  let keys = 0;
  const submitted = async (): Promise<string> => {
    const given = { idempotencyKey: `world-${++keys}`, bodyMd: "Build it.", priority: "critical" };
    const { job } = (await call("POST", "/fleet/jobs", given)) as { job: { id: string } };
    return job.id;
  };
  const beat = {
    factoryId: LIVE.factory,
    capabilities: [],
    engines: ["claude"],
    seatLimit: 9999,
    load: 0,
    health: "ok",
  };
  const claimed = async (): Promise<typeof held> => {
    await call("POST", "/fleet/factories/heartbeat", beat);
    await submitted();
    for (let tries = 0; tries < CLAIMS_MAX; tries++) {
      const answer = (await call("POST", "/fleet/claim", { factoryId: LIVE.factory })) as {
        job: { id: string; leaseEpoch: number } | null;
      };
      if (answer.job !== null) return { job: answer.job.id, epoch: answer.job.leaseEpoch };
    }
    throw new Error("no claim gives a job");
  };
  const nextProduct = async (): Promise<void> => {
    products += 1;
    held = { job: "", epoch: 0 };
    failed = "";
    await call("POST", "/fleet/factories/heartbeat", beat);
    await call("PUT", `/fleet/profiles/${LIVE.profile}`, { snapshot: { model: "opus" } });
  };
  /** Whether the job is still as it is needed; any request may have changed it. */
  const stillHeld = (): boolean => {
    const doc = target.job(product(), held.job);
    return (
      doc?.["claimId"] !== undefined &&
      doc["holderFactoryId"] === LIVE.factory &&
      doc["leaseEpoch"] === held.epoch &&
      !isOver(doc)
    );
  };

  return {
    made: async (shape) => {
      if (requests++ % REQUESTS_PER_PRODUCT === 0) await nextProduct();
      if (shape.route === "redrive-job") {
        if (target.job(product(), failed)?.["stage"] !== "failed") {
          failed = await submitted();
          await call("POST", `/fleet/jobs/${failed}/cancel`, {});
        }
        last = failed;
      } else {
        if (mentionsJob(shape) && !stillHeld()) held = await claimed();
        last = held.job;
      }
      const text = (given: string): string =>
        given.replaceAll(LIVE.job, last).replaceAll("@product", product());
      return {
        ...shape,
        target: text(shape.target),
        headers: shape.headers.map(([name, value]) => [name, text(value)] as const),
        body: shape.body && filled(shape.body, last, held.epoch),
      };
    },
    job: () => target.job(product(), last),
  };
}

function isOver(doc: Readonly<Record<string, unknown>>): boolean {
  return !["assigned", "building", "review", "testing"].includes(String(doc["stage"]));
}

function mentionsJob({ target, body }: Shape): boolean {
  return (
    target.includes(LIVE.job) || body?.includes(LIVE.job) === true || body?.includes(LIVE.epoch) === true
  );
}

/** By bytes, since not every body is text. */
function filled(body: Buffer, job: string, epoch: number): Buffer {
  if (!body.includes("@")) return body;
  const text = body.toString("latin1");
  return Buffer.from(text.replaceAll(LIVE.job, job).replaceAll(`"${LIVE.epoch}"`, String(epoch)), "latin1");
}
