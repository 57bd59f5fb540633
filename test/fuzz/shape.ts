/** Requests as the fuzzer thinks of them, and those in which nothing is odd. */
import fc from "fast-check";
import { z } from "zod";
import type { Route } from "../../functions/http/route.js";
import { LIVE, placesIn, schemaOf, valuesOf } from "./derive.js";
import type { JsonSchema } from "./derive.js";
import { toText } from "./hostile.js";

export const KEY = "a-key-that-only-the-fuzzer-knows";

/** A request, but for what LIVE stands for. All of it is sent as it is: nothing is encoded on the way. */
export interface Shape {
  readonly route: string;
  /** What is odd about it. */
  readonly family: string;
  /** Which part of the body is odd, where one is. */
  readonly place?: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Buffer | undefined;
  /** How much of it is sent, 0 to 1, before the client hangs up. */
  readonly sent?: number;
}

/** The path with something live for each parameter; a name that isn't known here fails the test. */
function pathOf(route: Route): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (name === "name") return LIVE.profile;
    if (name !== "id") throw new Error(`the fuzzer doesn't know what {${name}} of ${route.name} stands for`);
    return route.path.startsWith("/fleet/factories") ? LIVE.factory : LIVE.job;
  });
}

const HEADERS = [
  ["authorization", `Bearer ${KEY}`],
  ["x-product-id", "@product"],
] as const;
export const JSON_TYPE = ["content-type", "application/json"] as const;

/** What a route takes, as the fuzzer works with it. */
export interface Taken {
  readonly route: Route;
  readonly query: JsonSchema;
  readonly body: JsonSchema | undefined;
  readonly places: readonly (readonly string[])[];
}

export function takenBy(route: Route): Taken {
  if (route.role === "anyone") return { route, query: {}, body: undefined, places: [] };
  // A route without a body may say so with a schema of its own.
  const body =
    route.body === undefined || route.body instanceof z.ZodUndefined ? undefined : schemaOf(route.body);
  return { route, query: schemaOf(route.query), body, places: body === undefined ? [] : placesIn(body) };
}

/** Requests of a route in which nothing is odd. */
export function fine({ route, query, body }: Taken): fc.Arbitrary<Shape> {
  const queries = fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: query.properties === undefined ? fc.constant({}) : valuesOf(query) },
  );
  const bodies =
    body === undefined ? fc.constant(undefined) : valuesOf(body).map((value) => Buffer.from(toText(value)));
  return fc.record({ query: queries, body: bodies }).map((made) => ({
    route: route.name,
    family: "fine",
    method: route.method,
    target: pathOf(route) + queryText(made.query as Record<string, unknown>),
    headers: made.body === undefined ? HEADERS : [...HEADERS, JSON_TYPE],
    body: made.body,
  }));
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(Object.fromEntries(given.map(([key, value]) => [key, String(value)]))).toString()}`;
}
