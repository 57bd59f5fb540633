import type { IncomingMessage } from "node:http";
import type { RpcHttpRequest } from "./rpc.js";

/** The URL that was asked for, normalised; undefined when target and `Host` make none. */
export function urlOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? "";
  const hosts = request.headersDistinct["host"] ?? [];
  const host = hosts.length === 0 && request.httpVersion === "1.0" ? "127.0.0.1" : hosts[0];
  if (host === undefined || hosts.length > 1 || /[/?#@\\\s]/.test(host)) return undefined;
  if (!target.startsWith("/")) return URL.canParse(target) ? new URL(target) : undefined;
  const text = `http://${host}${target}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

/**
 * A request as the runtime hands it to the library in its default mode: a query parameter or a header
 * that was sent several times is one, its values joined by ",".
 */
export function toRpcRequest(
  request: IncomingMessage,
  url: URL,
  params: Readonly<Record<string, string>>,
  bytes: Uint8Array,
): RpcHttpRequest {
  const query = [...new Set(url.searchParams.keys())].map(
    (key) => [key, url.searchParams.getAll(key)] as const,
  );
  const headers = Object.entries(request.headersDistinct).map(([key, values = []]) => [key, values] as const);
  const method = request.method ?? "GET";
  const bodiless = bytes.byteLength === 0 || method === "GET" || method === "HEAD";
  return {
    method,
    url: url.href,
    nullableHeaders: joined(headers),
    nullableQuery: joined(query),
    nullableParams: joined(Object.entries(params).map(([key, value]) => [key, [value]] as const)),
    // The library drops the body of a GET itself, and writes to the console that it did.
    ...(!bodiless && { body: { bytes } }),
  };
}

function joined(pairs: readonly (readonly [string, readonly string[]])[]): Record<string, { value: string }> {
  return Object.fromEntries(pairs.map(([key, values]) => [key, { value: values.join(",") }]));
}
