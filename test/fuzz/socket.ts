/** An HTTP client that sends whatever it is told to, well-formed or not. */
import { connect } from "node:net";

export interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Buffer | undefined;
  /** How much of the body is sent, 0 to 1, before the client hangs up; all, and it waits, where this is absent. */
  readonly sent?: number;
}

export interface Response {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The answer; "closed" where the connection ended without one, "late" where there was none in time. */
export type Answered = Response | "closed" | "late";

/** One request on a connection of its own. */
export function ask(port: number, request: Request, limitMs: number): Promise<Answered> {
  const { promise, resolve } = Promise.withResolvers<Answered>();
  const socket = connect({ port, host: "127.0.0.1" });
  const chunks: Buffer[] = [];
  // The longest it waits, not a wait: an answer ends it at once.
  AbortSignal.timeout(limitMs).addEventListener("abort", () => {
    resolve("late");
    socket.destroy();
  });
  socket.on("data", (chunk) => chunks.push(chunk));
  // What came before a reset may be a whole answer.
  socket.on("error", () => undefined);
  socket.once("close", () => {
    resolve(parse(Buffer.concat(chunks)));
  });
  const { body, sent } = request;
  const bytes = Buffer.concat([headOf(request), body ?? Buffer.alloc(0)]);
  if (sent === undefined) socket.write(bytes);
  else socket.end(bytes.subarray(0, bytes.length - Math.ceil((1 - sent) * (body?.length ?? bytes.length))));
  return promise;
}

function headOf({ method, target, headers, body }: Request): Buffer {
  const has = (name: string): boolean => headers.some(([known]) => known.toLowerCase() === name);
  const framing = has("content-length") || has("transfer-encoding");
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has("host") ? [] : ["host: 127.0.0.1"]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined || framing ? [] : [`content-length: ${body.length}`]),
    ...(has("connection") ? [] : ["connection: close"]),
  ];
  // Characters up to U+00FF are one byte each, others what UTF-8 makes of them.
  const text = `${lines.join("\r\n")}\r\n\r\n`;
  return Buffer.from(text, /^[\0-\u00ff]*$/.test(text) ? "latin1" : "utf8");
}

/** Interim answers (1xx) are passed over. */
function parse(bytes: Buffer): Answered {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return "closed";
  const [line = "", ...fields] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1]);
  const rest = bytes.subarray(end + 4);
  if (status < 200) return parse(rest);
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const whole = headers["transfer-encoding"] === "chunked" ? joined(rest) : rest;
  const length = headers["content-length"];
  const body = length === undefined ? whole : whole.subarray(0, Number(length));
  return { status, headers, text: body.toString("utf8") };
}

function joined(chunked: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const line = chunked.indexOf("\r\n", at);
    const size = Number.parseInt(chunked.subarray(at, line).toString("latin1"), 16);
    if (line === -1 || !(size > 0)) return Buffer.concat(chunks);
    chunks.push(chunked.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
