/** A proxy before the emulator that answers, loses or holds back chosen requests, as a real network may. */
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

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
  /** Nobody answers for as long as the test runs. */
  | { kind: "silence" };

export interface FaultProxy {
  readonly endpoint: string;
  /** What happens to the next requests that name a document or a query; then all goes through again. */
  next(...faults: Fault[]): void;
  /** The same for one request of exactly this path. */
  nextOf(path: string, fault: Fault): void;
  /** Each request that came, as METHOD /path. */
  readonly requests: string[];
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const faults: Fault[] = [];
  const ofPath = new Map<string, Fault>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    const path = request.url ?? "";
    const fault = path.includes("/docs") ? faults.shift() : ofPath.get(path);
    ofPath.delete(path);
    void handle(target, fault, request, response);
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
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function handle(
  target: string,
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
      const real = await forward(target, request, body);
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
      await forward(target, request, body);
      request.socket.destroy();
      return;
    case "answer_after":
      await forward(target, request, body);
      answer(fault.status, {}, JSON.stringify({ message: "injected" }));
      return;
    case "silence":
      return;
  }
}

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

function forward(target: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { method = "GET", url = "/", headers } = request;
  return new Promise((resolve, reject) => {
    const onward = httpRequest(new URL(url, target), { method, headers, agent: false }, (answer) => {
      buffer(answer).then((content) => {
        // The body arrived whole; its length says so from here on.
        const headers = { ...answer.headers, "content-length": String(content.length) };
        delete headers["transfer-encoding"];
        resolve({ status: answer.statusCode ?? 500, headers, body: content });
      }, reject);
    });
    onward.on("error", reject);
    onward.end(body);
  });
}
