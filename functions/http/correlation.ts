import { createHash } from "node:crypto";
import type { HttpRequest, InvocationContext } from "@azure/functions";
import type { Ids } from "../../shared/core/ports/runtime.js";
import type { Correlation } from "../../shared/schema/decision.js";

/** Safe in a header, a log line and a URL. */
const SAFE = /^[A-Za-z0-9._:-]{1,128}$/;
/** W3C Trace Context; a later version may append to it. ff is no version, and all zeros no trace. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

type Context = Pick<InvocationContext, "traceContext">;

/** The ids of an HTTP request: the caller's for the request, where it is safe to repeat, else a new one. */
export function correlationOf(request: HttpRequest, context: Context, ids: Ids): Correlation {
  const given = request.headers.get("x-request-id");
  const requestId = given !== null && SAFE.test(given) ? given : ids.unique();
  return { requestId, traceId: traceIdOf(requestId, request.headers.get("traceparent"), context) };
}

/** The ids of an invocation that no request caused. */
export function timerCorrelation(context: Context & Pick<InvocationContext, "invocationId">): Correlation {
  const requestId = context.invocationId;
  return { requestId, traceId: traceIdOf(requestId, null, context) };
}

/**
 * The caller's trace; else the platform's, which is the operation id of Application Insights, and the
 * caller's as well where it sent one. Where nobody traces, one made of the request's id, so that what
 * was sent again under the same id is found together.
 */
function traceIdOf(requestId: string, header: string | null, context: Context): string {
  for (const traceparent of [header, context.traceContext?.traceParent]) {
    const traceId = TRACEPARENT.exec(traceparent ?? "")?.[1];
    if (traceId !== undefined) return traceId;
  }
  return createHash("sha256").update(requestId).digest("hex").slice(0, 32);
}
