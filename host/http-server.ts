/**
 * HTTP in and out, on the loopback address. Requests that reach a function are answered by it; the rest
 * (no such path, headers too large, no HTTP at all) by a problem document; a function that throws
 * gives 500 with an empty body, as on the real host.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { runByHand } from "./admin.js";
import { readBody } from "./body.js";
import { describe, type Invoke } from "./invoke.js";
import { type Answer, problem, requestIdOf } from "./problem.js";
import { toRpcRequest, urlOf } from "./request.js";
import { writeRpcResponse } from "./response.js";
import { findRoute, type Route } from "./router.js";
import type { HostLog } from "./rpc.js";
import type { RunOutcome } from "./timers.js";

const LOOPBACK = "127.0.0.1";
/** Request line and headers together, in bytes: what the real host's web server takes. */
const HEADERS_BYTES_MAX = 32 * 1024;
/** How long a client may take, in milliseconds, and how many there may be. Tests have less patience. */
export interface Patience {
  /** To send its headers, and its whole request. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** How often the two are looked at. */
  readonly checkMs: number;
  /** Longer than clients keep a connection for re-use, so that they close it, not we under their request. */
  readonly keepAliveMs: number;
  /** To take an answer that is there: it lies in memory until then. From this very machine that is no time at all. */
  readonly unreadMs: number;
  /** Connections at a time: each costs a file of the 1,024 that a process may have open on many machines. */
  readonly connectionsMax: number;
}
const PATIENCE: Patience = {
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 1000,
  keepAliveMs: 60_000,
  unreadMs: 30_000,
  connectionsMax: 800,
};
/**
 * A client whose body was cut may go on sending for this long after our answer. Closed at once, the
 * connection would be reset and the answer lost on the way.
 */
const LINGER_MS = 1000;

export interface HttpHandling {
  readonly routes: readonly Route[];
  readonly invoke: Invoke;
  readonly run: (name: string) => Promise<RunOutcome>;
  readonly log: HostLog;
  /** Where it is to be other than by default. */
  readonly patience?: Partial<Patience> | undefined;
}

export interface HttpServer {
  readonly port: number;
  /** Takes no new connection; resolves when all requests are answered and their connections closed. */
  readonly close: () => Promise<void>;
  /** Cuts every connection. */
  readonly cut: () => void;
}

/** Listens on 127.0.0.1; port 0 is any free one. Rejects with the system's error (EADDRINUSE, EACCES). */
export async function listen(port: number, handling: HttpHandling): Promise<HttpServer> {
  const patience = { ...PATIENCE, ...handling.patience };
  const server = createServer({
    maxHeaderSize: HEADERS_BYTES_MAX,
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: patience.checkMs,
    keepAliveTimeout: patience.keepAliveMs,
    // A request without `Host` gets the problem document of every malformed one.
    requireHostHeader: false,
  });
  // The bytes are bounded; by default headers over 2,000 would vanish silently.
  server.maxHeadersCount = 0;
  // What comes beyond is closed at once: its client tries again, and those that are served notice nothing.
  server.maxConnections = patience.connectionsMax;
  server.on("clientError", refuseMalformed);
  // An `Expect` that nobody knows is passed over; by default it would be a 417 without a word.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  const unanswered = new Set<ServerResponse>();
  server.on("request", (request, response) => {
    if (!server.listening) response.setHeader("connection", "close");
    unanswered.add(response);
    response.once("close", () => unanswered.delete(response));
    answer(request, response, handling)
      .catch((error: unknown) => {
        handling.log("error", `the host failed: ${describe(error)}`);
        fail(request, response);
      })
      .finally(() => {
        cutUnread(response, patience.unreadMs);
      });
  });
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once("error", reject);
  server.listen(port, LOOPBACK, () => {
    resolve(undefined);
  });
  await promise;
  return {
    port: portOf(server),
    close: () => close(server, unanswered),
    cut: () => {
      server.closeAllConnections();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handling: HttpHandling,
): Promise<void> {
  const requestId = requestIdOf(request.headers["x-request-id"]);
  const url = urlOf(request);
  if (url === undefined) {
    write(response, problem("validation_failed", "The request names no valid host and path.", requestId));
    return;
  }
  const method = request.method ?? "";
  const byHand = await runByHand(method, url.pathname, request.socket.remoteAddress, requestId, handling.run);
  if (byHand !== undefined) {
    write(response, byHand);
    return;
  }
  const match = findRoute(handling.routes, method, url.pathname);
  if (match === undefined) {
    write(response, problem("not_found", "No function answers this method and path.", requestId));
    return;
  }
  const body = await readBody(request);
  if (body.kind === "broken") return;
  const rpc = toRpcRequest(request, url, match.params, body.bytes);
  if (body.kind === "cut") {
    response.once("finish", () => {
      linger(request);
    });
  }
  try {
    writeRpcResponse(response, await handling.invoke(match.fn, { http: rpc }));
  } catch {
    // `invoke` has logged it.
    fail(request, response);
  }
}

function write(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers).end(body);
}

/** Node's own timeout of a socket begins anew with each byte that the client sends. */
function cutUnread(response: ServerResponse, afterMs: number): void {
  if (response.closed) return;
  const timer = setTimeout(() => response.destroy(), afterMs);
  response.once("close", () => {
    clearTimeout(timer);
  });
}

function fail(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const requestId = requestIdOf(request.headers["x-request-id"]);
  response.writeHead(500, { "x-request-id": requestId }).end();
}

/** Reads on and discards; whoever hasn't finished sending by then is cut off. */
function linger(request: IncomingMessage): void {
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => {
    clearTimeout(timer);
  });
  request.once("end", () => {
    clearTimeout(timer);
  });
  request.resume();
}

/** What came is no request that could be handed on; the answer goes straight to the socket. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(rawAnswer(error.code));
}

function rawAnswer(code: string | undefined): string {
  const requestId = requestIdOf(undefined);
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return `HTTP/1.1 408 Request Timeout\r\nx-request-id: ${requestId}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
  }
  const { status, headers, body } =
    code === "HPE_HEADER_OVERFLOW"
      ? problem("headers_too_large", `The headers are over ${HEADERS_BYTES_MAX} bytes.`, requestId)
      : problem("validation_failed", "The request is not well-formed HTTP.", requestId);
  const reason = status === 431 ? "Request Header Fields Too Large" : "Bad Request";
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const length = `content-length: ${Buffer.byteLength(body)}`;
  return [`HTTP/1.1 ${status} ${reason}`, ...lines, length, "connection: close", "", body].join("\r\n");
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

function close(server: Server, unanswered: ReadonlySet<ServerResponse>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => {
    resolve(undefined);
  });
  // Kept alive, their connections would hold the server open long after the answers.
  for (const response of unanswered) {
    if (!response.headersSent) response.setHeader("connection", "close");
  }
  server.closeIdleConnections();
  return promise;
}
