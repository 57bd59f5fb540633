/** A proxy before the emulator that answers, loses or holds back chosen requests, as a real network may. */
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** What happens to one request. */
export type Fault =
  /** It is answered here and never reaches the store. */
  | { kind: "answer"; status: number; headers?: Record<string, string>; body?: unknown }
  /** The connection breaks before the store has seen it. */
  | { kind: "reset_before" }
  /** The store does it, and the connection breaks instead of its answer. */
  | { kind: "reset_after" }
  /** The store does it, and another answer arrives. */
  | { kind: "answer_after"; status: number }
  /** The store does it, and its answer takes this long. */
  | { kind: "slow"; ms: number }
  /** This answer comes at once, and the store does it so much later. */
  | { kind: "late"; status: number; ms: number }
  /** Nobody answers for as long as the test runs. */
  | { kind: "silence" };

export interface ProxyOptions {
  /** What happens to a request that no other fault was chosen for. */
  readonly plan?: () => Fault | undefined;
  /** Told of each answer of the store to a request that names a document or a query. */
  readonly answered?: (request: IncomingMessage, status: number, body: Buffer) => void;
}

export interface FaultProxy {
  readonly endpoint: string;
  /** What happens to the next requests that name a document or a query; then all goes through again. */
  next(...faults: Fault[]): void;
  /** The same for one request of exactly this path. */
  nextOf(path: string, fault: Fault): void;
  /** Each request that came, as METHOD /path. */
  readonly requests: string[];
  /** How long each one that got no answer was waited for, in milliseconds, once its sender gave up. */
  readonly silences: readonly Promise<number>[];
  /** Resolves when nothing is late any more. */
  settled(): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string, options: ProxyOptions = {}): Promise<FaultProxy> {
  const faults: Fault[] = [];
  const ofPath = new Map<string, Fault>();
  const requests: string[] = [];
  const onward: Onward = { target, answered: options.answered, late: [], silences: [] };
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    const path = request.url ?? "";
    const fault = path.includes("/docs") ? (faults.shift() ?? options.plan?.()) : ofPath.get(path);
    ofPath.delete(path);
    void handle(onward, fault, request, response);
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (...more) => {
      faults.splice(0, Infinity, ...more);
    },
    nextOf: (path, fault) => {
      ofPath.set(path, fault);
    },
    requests,
    silences: onward.silences,
    settled: async () => Promise.all(onward.late),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

interface Onward {
  readonly target: string;
  readonly answered: ProxyOptions["answered"];
  readonly late: Promise<unknown>[];
  readonly silences: Promise<number>[];
}

async function handle(
  onward: Onward,
  fault: Fault | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await buffer(request);
  const answer = (status: number, headers: IncomingMessage["headers"], content: Buffer | string) => {
    response.writeHead(status, headers);
    response.end(content);
  };
  switch (fault?.kind) {
    case undefined: {
      const real = await forward(onward, request, body);
      answer(real.status, real.headers, real.body);
      return;
    }
    case "answer":
      answer(fault.status, fault.headers ?? {}, JSON.stringify(fault.body ?? { message: "injected" }));
      return;
    case "reset_before":
      request.socket.destroy();
      return;
    case "reset_after":
      await forward(onward, request, body);
      request.socket.destroy();
      return;
    case "answer_after":
      await forward(onward, request, body);
      answer(fault.status, {}, JSON.stringify({ message: "injected" }));
      return;
    case "slow": {
      const real = await forward(onward, request, body);
      await sleep(fault.ms);
      answer(real.status, real.headers, real.body);
      return;
    }
    case "late":
      onward.late.push(sleep(fault.ms).then(() => forward(onward, request, body)));
      answer(fault.status, {}, JSON.stringify({ message: "injected" }));
      return;
    case "silence": {
      const sinceMs = performance.now();
      onward.silences.push(once(request.socket, "close").then(() => performance.now() - sinceMs));
      return;
    }
  }
}

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

function forward({ target, answered }: Onward, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { method = "GET", url = "/", headers } = request;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(new URL(url, target), { method, headers, agent: false }, (answer) => {
      buffer(answer).then((content) => {
        // The body arrived whole; its length says so from here on.
        const headers = { ...answer.headers, "content-length": String(content.length) };
        delete headers["transfer-encoding"];
        const status = answer.statusCode ?? 500;
        if (url.includes("/docs")) answered?.(request, status, content);
        resolve({ status, headers, body: content });
      }, reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
