/** Words for tests that speak to the app over HTTP. */
import type { WireJob } from "../../shared/schema/wire.js";
import type { Answered, Body, Given, Item } from "./http-answer.js";
import type { HttpApp, Sent } from "./http-app.js";

let products = 0;

export type Product = ReturnType<typeof aProduct>;

/** A product that no other test uses, with what tests do in it. */
export function aProduct(app: HttpApp, id = `product-${++products}`) {
  const call = (method: string, path: string, sent: Sent = {}): Promise<Answered> =>
    app.call(method, path, { product: id, ...sent });

  /** Submits, and insists that it is accepted. */
  const submit = async (given: Given = {}): Promise<WireJob> => {
    const answer = await call("POST", "/fleet/jobs", { body: aSubmission(given) });
    if (answer.status > 201) throw new Error(`not accepted: ${JSON.stringify(answer.body)}`);
    return answer.body.job;
  };
  /** A factory that has just sent a heartbeat. */
  const factory = async (factoryId: string, given: Given = {}): Promise<void> => {
    const answer = await call("POST", "/fleet/factories/heartbeat", { body: aHeartbeat(factoryId, given) });
    if (answer.status !== 200) throw new Error(`no heartbeat: ${JSON.stringify(answer.body)}`);
  };
  /** Claims, and insists on a job. */
  const claim = async (factoryId: string, given: Given = {}): Promise<Body> => {
    const answer = await call("POST", "/fleet/claim", { body: { factoryId, ...given } });
    if (!("lease" in answer.body)) throw new Error(`no job: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  /** A job that `factoryId` has just claimed. */
  const claimed = async (factoryId = "f1", given: Given = {}): Promise<WireJob> => {
    await factory(factoryId, { capabilities: given["capabilities"] ?? [] });
    const job = await submit(given);
    const won = await claim(factoryId);
    if (won.job.id !== job.id) throw new Error("another job was first in the queue");
    return won.job;
  };
  return { id, call, submit, factory, claim, claimed };
}

let keys = 0;

export function aSubmission(given: Given = {}): Given & { idempotencyKey: string; bodyMd: string } {
  return { idempotencyKey: `key-${++keys}`, bodyMd: "Build it.", ...given };
}

export function aHeartbeat(factoryId: string, given: Given = {}): Given {
  return { factoryId, capabilities: [], engines: ["claude"], seatLimit: 10, load: 0, health: "ok", ...given };
}

/** Pages that no list of a test has: a link that leads in circles ends the test. */
const PAGES_MAX = 20;

/** The values of every page from `path` on. */
export async function everyPage({ call }: Product, path: string): Promise<(readonly Item[])[]> {
  const pages: (readonly Item[])[] = [];
  let next: string | undefined = path;
  while (next !== undefined) {
    const answer: Answered = await call("GET", next);
    if (answer.status !== 200) throw new Error(`${next} answered ${answer.status}`);
    if (pages.push(answer.body.value) > PAGES_MAX) throw new Error(`${path} never ends`);
    next = answer.body.nextLink;
    if (next?.startsWith("/fleet/") === false) throw new Error(`${next} is not relative`);
  }
  return pages;
}
