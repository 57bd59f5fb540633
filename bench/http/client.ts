/** Requests over kept connections, and what became of each. */
import { Agent, request } from "node:http";
import { KEY } from "./child.js";

export type Json = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly body: Json;
  /** 0 where it says nothing. */
  readonly retryAfterSeconds: number;
}

/** The requests of one route. */
export interface Tally {
  readonly tookMs: number[];
  /** By status. */
  readonly answers: Map<number, number>;
}

export interface Client {
  /** One request of the route `name`; undefined when the connection failed. */
  call(name: string, method: string, path: string, body?: Json): Promise<Answer | undefined>;
  readonly tallies: ReadonlyMap<string, Tally>;
  /** What should not have happened. */
  readonly errors: readonly string[];
  /** Forgets what was counted so far, but for errors. */
  begin(): void;
  close(): void;
}

const BENCH: Caller = { key: KEY, product: "acme" };
/** Refusals that a fleet under load lives with: a race lost, a store that is busy. */
const EXPECTED = new Set([409, 429]);
const ERRORS_KEPT = 20;

/** Who calls, and for which product. */
export interface Caller {
  readonly key: string;
  readonly product: string;
}

export function openClient(url: string, connections: number, caller: Caller = BENCH): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const tallies = new Map<string, Tally>();
  const errors: string[] = [];
  let failures = 0;
  const complain = (what: string): void => {
    failures++;
    if (failures <= ERRORS_KEPT) errors.push(what);
    else errors[ERRORS_KEPT] = `and ${failures - ERRORS_KEPT} more`;
  };
  return {
    tallies,
    errors,
    begin: () => {
      tallies.clear();
    },
    call: async (name, method, path, body) => {
      const begun = performance.now();
      try {
        const answer = await send(agent, caller, { url: `${url}${path}`, method, body });
        const tally = tallies.get(name) ?? { tookMs: [], answers: new Map<number, number>() };
        tallies.set(name, tally);
        tally.tookMs.push(performance.now() - begun);
        tally.answers.set(answer.status, (tally.answers.get(answer.status) ?? 0) + 1);
        if (answer.status >= 400 && !EXPECTED.has(answer.status))
          complain(`${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
        return answer;
      } catch (error) {
        complain(`${name}: ${String(error)}`);
        return undefined;
      }
    },
    close: () => {
      agent.destroy();
    },
  };
}

function send(
  agent: Agent,
  { key, product }: Caller,
  { url, method, body }: { url: string; method: string; body: Json | undefined },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${key}`,
      "x-product-id": product,
      ...(text === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
    };
    const sent = request(url, { agent, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const whole = Buffer.concat(chunks).toString("utf8");
        try {
          resolve({
            status: response.statusCode ?? 0,
            body: whole === "" ? {} : (JSON.parse(whole) as Json),
            retryAfterSeconds: Number(response.headers["retry-after"] ?? 0),
          });
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    sent.on("error", reject);
    sent.end(text);
  });
}
