import type { HttpRequest } from "@azure/functions";
import type { Ids } from "../../shared/core/ports/runtime.js";

/** Safe in a header, a log line and a URL. */
const SAFE = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's id for the request, where it is safe to repeat; else a new one. */
export function requestIdOf(request: HttpRequest, ids: Ids): string {
  const given = request.headers.get("x-request-id");
  return given !== null && SAFE.test(given) ? given : ids.unique();
}
