/** One run of the fuzzer: requests of every kind to every route, each answer judged, each refusal without a trace in the store. */
import fc from "fast-check";
import type { RpcHttpRequest } from "../../host/rpc.js";
import { notAcceptable, wronglyRefused, wrongRefusal, wrongSuccess } from "./judge.js";
import { takenBy } from "./shape.js";
import type { Shape, Taken } from "./shape.js";
import { shapesOf } from "./shapes.js";
import type { Answered, Request } from "./socket.js";
import type { Target } from "./target.js";
import { worldOn } from "./world.js";

/** An answer takes longer than this never; where one does, it is asked for twice more: the machine may be busy. */
const LATE_MS = 2000;
const TRIES = 3;
/** What never ends at all, on whatever machine. */
const HUNG_MS = 60_000;

export interface Report {
  requests: number;
  /** Those that called a function as the runtime does, past the host's own checks. */
  inProcess: number;
  readonly statuses: Record<string, number>;
  /** Requests that were accepted, by route. */
  readonly accepted: Record<string, number>;
  /** Places of bodies that were not changed once yet, as `route: place`. */
  readonly untouched: Set<string>;
  slowestMs: number;
}

/** Codes of a fenced call that came too late: what it reports of its own run is kept, and nothing of the job. */
const FENCED = ["stale_lease", "not_holder", "lease_not_held"];

/** Rejects with the smallest request that was answered wrongly, and the seed. */
export async function fuzz(target: Target, requests: number, seed: number): Promise<Report> {
  const report: Report = {
    requests: 0,
    inProcess: 0,
    statuses: {},
    accepted: {},
    untouched: new Set(),
    slowestMs: 0,
  };
  const taken = new Map(target.routes.map((route) => [route.name, takenBy(route)]));
  for (const { route, places } of taken.values())
    for (const place of places) report.untouched.add(`${route.name}: ${place.join(".")}`);
  const world = worldOn(target);
  const shapes = fc.oneof(
    ...[...taken.values()].map((of) => ({ weight: of.body === undefined ? 1 : 3, arbitrary: shapesOf(of) })),
  );
  const property = fc.asyncProperty(shapes, fc.nat({ max: 4 }), async (shape, lot) => {
    const of = taken.get(shape.route);
    if (of === undefined) throw new Error(`no route ${shape.route}`);
    const request = await world.made(shape);
    const rpc = lot === 0 ? rpcOf(of, request) : undefined;
    const [before, jobBefore] = [target.storeVersion(), world.job()];
    const errorsBefore = target.errors.length;
    const answer = await answerTo(target, shape, request, rpc, report);
    await target.settled();
    const changed = target.storeVersion() !== before;
    note(report, shape, answer);
    const wrong = judged(of, shape, request, answer) ?? target.errors.at(errorsBefore);
    if (wrong !== undefined) throw new Error(describe(wrong, request, answer));
    const cut = shape.family === "truncated";
    if (cut && changed) throw new Error(describe("half a request changed the store", request, answer));
    if (!changed || !isRefused(answer)) return;
    const fenced = FENCED.some((code) => answer.headers["x-ms-error-code"] === code);
    const sameJob = JSON.stringify(jobBefore) === JSON.stringify(world.job());
    if (!fenced || !sameJob)
      throw new Error(describe("it was refused, and changed the store", request, answer));
  });
  await fc.assert(property, { numRuns: requests, seed, timeout: HUNG_MS });
  return report;
}

async function answerTo(
  target: Target,
  shape: Shape,
  request: Request,
  rpc: RpcHttpRequest | undefined,
  report: Report,
): Promise<Answered> {
  for (let tries = 1; ; tries++) {
    const startedMs = performance.now();
    if (rpc !== undefined) report.inProcess += 1;
    const answer = await (rpc === undefined
      ? target.overHttp(request, LATE_MS)
      : target.inProcess(shape.route, rpc));
    const tookMs = performance.now() - startedMs;
    report.slowestMs = Math.max(report.slowestMs, tookMs);
    report.requests += 1;
    if (tookMs < LATE_MS || tries === TRIES) return tookMs < LATE_MS ? answer : "late";
  }
}

function note(report: Report, shape: Shape, answer: Answered): void {
  const status = typeof answer === "string" ? answer : String(answer.status);
  report.statuses[status] = (report.statuses[status] ?? 0) + 1;
  if (isOfRoute(shape) && typeof answer !== "string" && answer.status < 300)
    report.accepted[shape.route] = (report.accepted[shape.route] ?? 0) + 1;
  report.untouched.delete(`${shape.route}: ${shape.place ?? ""}`);
}

const isRefused = (answer: Answered): answer is Exclude<Answered, string> =>
  typeof answer !== "string" && answer.status >= 400;

/** Another method or path may be another route's, and of what is no clean HTTP nobody knows what arrived. */
const isOfRoute = ({ family }: Shape): boolean => !["method", "path", "framing"].includes(family);

/** What is wrong with the answer, if anything is. */
function judged(of: Taken, shape: Shape, request: Request, answer: Answered): string | undefined {
  if (answer === "late") return `no answer in ${LATE_MS} ms`;
  // Who hangs up, or sends what is no request, may be left without one.
  if (answer === "closed")
    return shape.sent === undefined && shape.family !== "method" ? "the connection was closed" : undefined;
  if (!isRefused(answer)) {
    return isOfRoute(shape) ? wrongSuccess(of, request, answer) : undefined;
  }
  const wrong = wrongRefusal(request, answer);
  if (wrong !== undefined || shape.family !== "fine" || notAcceptable(of, request) !== undefined)
    return wrong;
  return wronglyRefused(answer);
}

/** The request as the runtime hands it on, parameters decoded; undefined where HTTP alone can have it. */
function rpcOf({ route }: Taken, request: Request): RpcHttpRequest | undefined {
  if (
    request.sent !== undefined ||
    request.method !== route.method ||
    !/^\/[\x21-\x7e]*$/.test(request.target)
  )
    return undefined;
  const wanted = route.path.split("/");
  const [path = "", ...rest] = request.target.split("?");
  const parts = path.split("/");
  if (wanted.some((part, index) => !part.startsWith("{") && part !== parts[index])) return undefined;
  const params = wanted.flatMap((part, index) =>
    // The last one takes all that is left, slashes too, as no host would have it.
    part.startsWith("{")
      ? [
          [
            part.slice(1, -1),
            decoded(index === wanted.length - 1 ? parts.slice(index).join("/") : (parts[index] ?? "")),
          ] as const,
        ]
      : [],
  );
  const { headers } = request;
  if (headers.some(([name, value]) => !/^[\w-]+$/.test(name) || !/^[\x20-\x7e]*$/.test(value)))
    return undefined;
  const search = new URLSearchParams(rest.join("?"));
  const joined = (pairs: Iterable<readonly [string, string]>): Record<string, { value: string }> => {
    const values = new Map<string, string[]>();
    for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
    return Object.fromEntries([...values].map(([name, list]) => [name, { value: list.join(",") }]));
  };
  return {
    method: request.method,
    url: new URL(request.target, "http://127.0.0.1").href,
    nullableHeaders: joined(headers),
    nullableParams: joined(params),
    nullableQuery: joined(search),
    ...(request.body === undefined || request.body.length === 0 || request.method === "GET"
      ? {}
      : { body: { bytes: request.body } }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function describe(wrong: string, { method, target, headers, body }: Request, answer: Answered): string {
  const sent = { method, target, headers, body: body?.toString("utf8").slice(0, 2000) };
  return `${wrong}\n${JSON.stringify(sent)}\n-> ${JSON.stringify(answer).slice(0, 2000)}`;
}
