import type { ServerResponse } from "node:http";
import type { RpcCookie, RpcHttpResponse } from "./rpc.js";

/** Headers that belong to this connection, not to the function's answer. */
const ofTheConnection = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Writes a function's answer; a function that answered nothing gives 204, as on the real host. */
export function writeRpcResponse(response: ServerResponse, rpc: RpcHttpResponse | undefined): void {
  response.statusCode = rpc === undefined ? 204 : Number(rpc.statusCode ?? 200);
  for (const [name, value] of Object.entries(rpc?.headers ?? {})) {
    if (!ofTheConnection.has(name.toLowerCase())) response.setHeader(name, value);
  }
  for (const cookie of rpc?.cookies ?? []) response.appendHeader("set-cookie", toSetCookie(cookie));
  const bytes = rpc?.body?.bytes;
  response.end(bytes === undefined ? undefined : Buffer.from(bytes));
}

const sameSite = { none: undefined, lax: "lax", strict: "strict", explicitNone: "none" } as const;

/** As the real host writes it; it sets the path "/" where none is given. */
function toSetCookie(cookie: RpcCookie): string {
  const site = sameSite[cookie.sameSite ?? "none"];
  const expires = cookie.expires && new Date(cookie.expires.value.seconds * 1000).toUTCString();
  const parts = [
    `${encodeURIComponent(cookie.name)}=${encodeURIComponent(cookie.value)}`,
    expires && `expires=${expires}`,
    cookie.maxAge && `max-age=${cookie.maxAge.value}`,
    cookie.domain && `domain=${cookie.domain.value}`,
    `path=${cookie.path?.value ?? "/"}`,
    cookie.secure?.value && "secure",
    site && `samesite=${site}`,
    cookie.httpOnly?.value && "httponly",
  ];
  return parts.filter(Boolean).join("; ");
}
