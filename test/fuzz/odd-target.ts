/** Paths, methods and query parameters that are odd. */
import fc from "fast-check";
import { MAGIC, oddSegment } from "./hostile.js";
import type { Shape, Taken } from "./shape.js";

const oddValue = fc.oneof(
  oddSegment,
  fc.constantFrom(
    "1",
    "0",
    "-1",
    "+1",
    "1e2",
    "201",
    "999999999",
    "9999999999",
    "1.0",
    "%31",
    "queued",
    "WyJhIl0",
    "WzFd",
    "W251bGwsbnVsbF0",
    "bnVsbA",
  ),
);

/** Query parameters that are unknown, repeated, in conflict with one another, or no values. */
export function oddQuery({ query }: Taken, base: fc.Arbitrary<Shape>): fc.Arbitrary<Shape>[] {
  const names = [
    ...Object.keys(query.properties ?? {}),
    "code",
    "clientId",
    "x",
    ...MAGIC,
    "limit[]",
    "%6cimit",
    "",
  ];
  const pair = fc.tuple(fc.constantFrom(...names), oddValue).map(([name, value]) => `${name}=${value}`);
  const parts = fc.oneof(
    fc.array(pair, { minLength: 1, maxLength: 4 }),
    pair.map((one) => [one, one]),
    fc.constantFrom(["&&&"], ["="], ["%"], ["?"], ["x".repeat(6000)]),
  );
  const family = { family: "query" };
  return [
    fc
      .tuple(base, parts)
      .map(([shape, given]) => ({ ...shape, ...family, target: `${bare(shape)}?${given.join("&")}` })),
  ];
}

const bare = ({ target }: Shape): string => target.split("?")[0] ?? "";

/** Ids that are none, methods that a path doesn't take, paths that are not there. */
export function oddPath({ route }: Taken, base: fc.Arbitrary<Shape>): fc.Arbitrary<Shape>[] {
  const family = { family: "path" };
  const odd = fc.tuple(base, oddSegment, fc.nat()).map(([shape, segment, where]) => {
    const parts = bare(shape).split("/");
    const named = route.path.split("/").findIndex((part) => part.startsWith("{"));
    const at = named > 0 && where % 4 > 0 ? named : 1 + (where % (parts.length - 1));
    return {
      ...shape,
      ...family,
      target: parts.map((part, index) => (index === at ? segment : part)).join("/"),
    };
  });
  const methods = fc.constantFrom(
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "G\u00cbT",
    "",
  );
  return [
    odd,
    odd,
    fc.tuple(base, methods).map(([shape, method]) => ({ ...shape, family: "method", method })),
  ];
}
