/** Headers with one thing that is odd, and requests that are hardly HTTP. */
import fc from "fast-check";
import { MAGIC } from "./hostile.js";
import { KEY } from "./shape.js";
import type { Shape } from "./shape.js";

const oddTypes = fc.constantFrom(
  ...[
    "",
    "text/plain",
    "application/json; charset=utf-16",
    "application/json;charset=",
    "application/jsonx",
    "json",
  ],
  ...[
    "application/json, application/json",
    "application/json; charset=utf-8; x=y",
    "multipart/form-data; boundary=x",
  ],
  ...[
    "application/x-www-form-urlencoded",
    "Application/JSON",
    "application/json;",
    "*/*",
    'application/json; charset="utf-8"',
  ],
);
const oddEncodings = fc.constantFrom(
  "gzip",
  "br",
  "identity, gzip",
  "deflate",
  "x",
  "",
  "IDENTITY",
  "gzip, gzip",
);

const oddToken = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "*",
    '"',
    'W/"x"',
    '""',
    ",,,",
    "x,y",
    "a b",
    "é",
    "\u00ff",
    "x".repeat(129),
    "x".repeat(9000),
    ...MAGIC,
  ),
  fc.constantFrom(
    "Bearer",
    "Bearer ",
    "Bearer a.b.c",
    "Basic YTpi",
    `bearer ${KEY}`,
    KEY,
    `Bearer ${KEY} x`,
    `Bearer ${"x".repeat(20_000)}`,
  ),
  fc.constantFrom(
    "eyJhbGciOiJub25lIn0.e30.",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "00-0-0-0",
    "@product,@product",
    "other",
  ),
  fc.string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
    maxLength: 30,
  }),
);
const NAMES = [
  "authorization",
  "x-product-id",
  "idempotency-key",
  "if-none-match",
  "if-match",
  "x-request-id",
  "traceparent",
  "accept",
  "cookie",
  "x-functions-key",
  "x-http-method-override",
  "expect",
  "host",
  "__proto__",
];

/** One header of another value, given twice, or left out. */
export function oddHeaders(base: fc.Arbitrary<Shape>): fc.Arbitrary<Shape>[] {
  const set = (shape: Shape, name: string, values: readonly string[], family: string): Shape => ({
    ...shape,
    family,
    headers: [
      ...shape.headers.filter(([known]) => known !== name),
      ...values.map((value) => [name, value] as const),
    ],
  });
  return [
    fc
      .tuple(base, oddTypes, fc.integer({ min: 0, max: 2 }))
      .map(([shape, type, times]) =>
        set(shape, "content-type", Array<string>(times).fill(type), "content type"),
      ),
    fc
      .tuple(base, oddEncodings)
      .map(([shape, coding]) => set(shape, "content-encoding", [coding], "encoding")),
    fc
      .tuple(base, fc.constantFrom(...NAMES), fc.array(oddToken, { maxLength: 2 }))
      .map(([shape, name, values]) => set(shape, name, values, "header")),
  ];
}

/** Requests that break HTTP, or off. */
export function brokenHttp(base: fc.Arbitrary<Shape>): fc.Arbitrary<Shape>[] {
  const lines = fc.constantFrom<readonly (readonly [string, string])[]>(
    ...([
      [["content-length", "5"]],
      [["content-length", "-1"]],
      [["content-length", "1e3"]],
      [["content-length", "99999999999"]],
    ] as const),
    ...([
      [["transfer-encoding", "chunked"]],
      [["transfer-encoding", "gzip"]],
      [
        ["transfer-encoding", "x"],
        ["content-length", "3"],
      ],
    ] as const),
    ...([
      [["x y", "z"]],
      [["", "z"]],
      [["x", "a\nb: c"]],
      [["x", "\0"]],
      [["x", "y".repeat(40_000)]],
      [["host", "a/b"]],
      [
        ["host", "a"],
        ["host", "b"],
      ],
    ] as const),
    ...([
      [
        ["upgrade", "websocket"],
        ["connection", "upgrade"],
      ],
      [
        ["connection", "upgrade"],
        ["upgrade", "h2c"],
      ],
      [["expect", "100-continue"]],
    ] as const),
    Array.from({ length: 1500 }, (_, n) => [`x-${n}`, "1"] as const),
  );
  const framed = fc
    .tuple(base, lines)
    .map(([shape, more]) => ({ ...shape, family: "framing", headers: [...shape.headers, ...more], sent: 1 }));
  const cut = fc
    .tuple(base, fc.double({ min: 0, max: 0.999, noNaN: true }))
    .map(([shape, sent]) => ({ ...shape, family: "truncated", sent }));
  return [framed, cut];
}
