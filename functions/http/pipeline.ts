/**
 * What every route shares, in this order: request id, settings, credential, how much of it is under way, role,
 * product, parameters, body, factory binding; then the route itself. The first that does not pass answers. Nothing throws
 * past here: a handler that throws might never be answered.
 */
import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { Caller } from "../../shared/auth/callers.js";
import type { Fleet } from "../../shared/core/fleet.js";
import type { Recorder } from "../../shared/core/ports/recorder.js";
import type { Clock, Ids, Log, Pause } from "../../shared/core/ports/runtime.js";
import { isFailure } from "../../shared/schema/decision.js";
import { PROBLEMS } from "../../shared/schema/problems.js";
import { noQuery } from "../../shared/schema/requests.js";
import { Problem, toResponse } from "./answer.js";
import type { Answer } from "./answer.js";
import { readJson } from "./body.js";
import { correlationOf } from "./correlation.js";
import { authenticate, authorise, mayActFor, productOf } from "./credentials.js";
import type { Known } from "./credentials.js";
import { misconfigured, problemOf } from "./failures.js";
import { readKey, withKey } from "./idempotency-key.js";
import { BUSY_RETRY_SECONDS, HOLD_MS } from "./in-flight.js";
import type { InFlight } from "./in-flight.js";
import { logTo } from "./log.js";
import { notFound } from "./outcomes.js";
import type { Call, OpenCall, ProductRoute, Route } from "./route.js";
import { byEntry, validate } from "./validate.js";

/** What the routes stand on, made once per instance by the composition root. */
export interface Backend extends Known {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly pause: Pause;
  /** What is wrong with the settings, without their values; undefined when nothing is. */
  readonly misconfigured: string | undefined;
  /** Absent: a credential may have any number of requests under way. */
  readonly inFlight?: InFlight;
  /** Absent where nobody listens. */
  readonly recorder?: Recorder;
  /** Every route that OpenAPI tells of. */
  readonly routes: readonly Route[];
  /** The fleet, with the log of one invocation. Opens the store where that was not done yet. */
  fleet(log: Log): Promise<Fleet>;
}

type Given = Omit<Call<unknown, unknown, unknown>, "fleet">;

/** Query parameters of the platform's function keys: allowed everywhere, and none of our business. */
const PLATFORM_PARAMETERS: ReadonlySet<string> = new Set(["code", "clientId"]);

/** A route as the platform calls it. */
export function handlerOf(route: Route, backend: Backend): HttpHandler {
  return openHandler(backend, async (call, logOf) => {
    if (route.role === "anyone") {
      const query = queryOf(call.request, noQuery);
      return query instanceof Problem ? query : route.handle(call);
    }
    const caller = await authenticate(call.request, backend, logOf());
    if (caller instanceof Problem) return caller;
    const serve = async (): Promise<Answer | Problem> => {
      const given = await admit(call.request, route, caller);
      if (given instanceof Problem) return given;
      const answer = await route.handle({ ...given, fleet: await backend.fleet(logOf(caller)) });
      // A queue that is full: held, as who has too much under way is, and within the credential's share.
      if (answer instanceof Problem && answer.code === "throttled") await backend.pause(HOLD_MS);
      return answer;
    };
    const answer =
      backend.inFlight === undefined ? await serve() : await backend.inFlight.run(caller.name, serve);
    return answer === "busy" ? tooMany(caller, logOf()) : answer;
  });
}

function tooMany({ name }: Caller, log: Log): Problem {
  log.warn(`${name} has as many requests under way as REQUESTS_PER_CREDENTIAL_MAX allows`);
  return new Problem("throttled", "This credential has too many requests under way. Nothing was done.", {
    headers: { "retry-after": String(BUSY_RETRY_SECONDS) },
  });
}

/** A handler that anybody may call, inside what every answer needs. */
export function openHandler(
  backend: Backend,
  handle: (call: OpenCall, logOf: (caller?: Caller) => Log) => Promise<Answer | Problem>,
): HttpHandler {
  return async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    const startedMs = backend.clock.now();
    const { routes, pause, recorder } = backend;
    const correlation = correlationOf(request, context, backend.ids);
    const logOf = (caller?: Caller): Log =>
      logTo(context, caller === undefined ? correlation : { ...correlation, caller: caller.name }, recorder);
    const log = logOf();
    const call: OpenCall = { request, routes, pause, fleet: () => backend.fleet(log) };
    let answer: Answer | Problem;
    try {
      answer =
        backend.misconfigured === undefined
          ? await handle(call, logOf)
          : misconfigured(backend.misconfigured, log);
    } catch (error) {
      answer = problemOf(error, log);
    }
    if (answer instanceof Problem && isFailure(answer.code))
      log.decision({ decision: "request_failed", code: answer.code });
    const status = answer instanceof Problem ? PROBLEMS[answer.code].status : answer.status;
    recorder?.answered(context.functionName, status, backend.clock.now() - startedMs);
    return toResponse(answer, correlation.requestId);
  };
}

/** From a caller's request to what the route works with, or the first thing that does not pass. */
async function admit(request: HttpRequest, route: ProductRoute, caller: Caller): Promise<Given | Problem> {
  const barred = authorise(caller, route.role);
  if (barred !== undefined) return barred;
  const productId = productOf(request, caller);
  if (productId instanceof Problem) return productId;

  const params = paramsOf(request, route);
  if (params instanceof Problem) return params;
  const query = queryOf(request, route.query);
  if (query instanceof Problem) return query;
  const key = readKey(request, route.key);
  if (key instanceof Problem) return key;

  const body = await bodyOf(request, route, key);
  if (body instanceof Problem) return body;
  const foreign = mayActFor(caller, body);
  if (foreign !== undefined) return foreign;
  return { productId, params, query, body, key, headers: request.headers };
}

/** What can't be an id names nothing: 404, as for an id that nobody has. */
function paramsOf(request: HttpRequest, route: ProductRoute): unknown {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const parsed = route.params.safeParse(
    Object.fromEntries(names.map((name) => [name, request.params[name]])),
  );
  return parsed.success ? parsed.data : notFound();
}

/**
 * The platform joins what is given twice by a comma, which no parameter of ours may hold. What it loses
 * on the way (its library can't carry `__proto__`) is in the URL still, and is refused like any other.
 */
function queryOf({ query, url }: HttpRequest, schema: ProductRoute["query"]): unknown {
  const sent = new URL(url).searchParams;
  const names = [...new Set([...query.keys(), ...sent.keys()])].filter(
    (name) => !PLATFORM_PARAMETERS.has(name),
  );
  return validate(schema, Object.fromEntries(names.map((name) => [name, query.get(name) ?? sent.get(name)])));
}

async function bodyOf(request: HttpRequest, route: ProductRoute, key: string | undefined): Promise<unknown> {
  if (route.body === undefined) return undefined;
  const read = await readJson(request, route.bodyMayBeAbsent === true ? {} : undefined);
  if (read instanceof Problem) return byEntry(read, route.entries);
  const whole = withKey(read.json, key, route.key);
  return whole instanceof Problem ? whole : byEntry(validate(route.body, whole), route.entries);
}
