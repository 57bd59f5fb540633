import type { IncomingMessage } from "node:http";

/**
 * Bytes of a body that are read, in bytes: the app's limit of 1 MiB and one more, by which the app
 * itself sees that the body is too large and answers as it does in the cloud.
 */
const BODY_READ_BYTES_MAX = 1024 * 1024 + 1;

export type Body =
  | { readonly kind: "whole" | "cut"; readonly bytes: Buffer }
  /** The client went away, or sent a body that is no HTTP. */
  | { readonly kind: "broken" };

/** Reads a request's body up to the bound; what is over it stays unread, and the stream paused. */
export function readBody(request: IncomingMessage): Promise<Body> {
  const { promise, resolve } = Promise.withResolvers<Body>();
  const chunks: Buffer[] = [];
  let length = 0;
  const settle = (body: Body): void => {
    request.off("data", onData);
    resolve(body);
  };
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.byteLength;
    if (length < BODY_READ_BYTES_MAX) return;
    // Not destroyed: the answer still has to go out over this connection.
    request.pause();
    settle({ kind: "cut", bytes: Buffer.concat(chunks).subarray(0, BODY_READ_BYTES_MAX) });
  };
  request.on("data", onData);
  request.once("end", () => {
    settle({ kind: "whole", bytes: Buffer.concat(chunks) });
  });
  request.once("error", () => {
    settle({ kind: "broken" });
  });
  request.once("close", () => {
    settle({ kind: "broken" });
  });
  return promise;
}
