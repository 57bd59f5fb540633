/** Values that nobody should send, and that somebody will. */
import fc from "fast-check";

/** A string that starts with this is written as it is, without its quotes: JSON text that no value has. */
const RAW = "@raw:";
const raw = (text: string): string => RAW + text;

/** A value as JSON text, with what is `raw` in it. */
export function toText(value: unknown): string {
  return JSON.stringify(value).replaceAll(/"@raw:([^"]*)"/g, "$1");
}

/** An object with this very own key, be it `__proto__`. */
export function withKey(given: object, key: string, value: unknown): object {
  return Object.defineProperty({ ...given }, key, { value, enumerable: true, configurable: true });
}

/** Keys and words that mean something to JavaScript. */
export const MAGIC = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "toJSON",
  "then",
];

const nested = (open: string, close: string, levels: number): string =>
  raw(open.repeat(levels) + close.repeat(levels));

const NUMBERS = [
  ...[0, -0, -1, 1.5, 1e-320, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, 2 ** 53, 1e21, 1.7e308, -1e300],
  ...[
    "1e400",
    "-1e400",
    "1E+9999",
    "123456789012345678901234567890",
    `1${"0".repeat(2000)}`,
    "-0",
    "1e-9999",
  ],
].map((number) => (typeof number === "string" ? raw(number) : number));

const TEXTS = [
  ...[
    "",
    " ",
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "undefined",
    "true",
    "0",
    "1e9",
    "0x10",
    "[object Object]",
  ],
  ...[
    "\0",
    "a\0b",
    "\r\nx-injected: 1",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ufffe",
    "e\u0301",
    "ﬁ",
    "İ",
    "ß",
    "👩‍👩‍👧",
    "\u{10ffff}",
  ],
  ...[
    "..",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "a?b",
    "a#b",
    "a%2fb",
    ".hidden",
    ":",
    "key:",
    "key:key:x",
    "-x",
  ],
  ...["'; DROP TABLE fleet_jobs; --", "$where", "{{7*7}}", "<script>", "x".repeat(129), "x".repeat(5000)],
  ...[
    "2026-02-30T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "2026-01-01T00:00:00Z",
    "+275760-09-13T00:00:00.000Z",
  ],
  // Halves of characters, as JSON spells them and as they are when nobody looks.
  ...["\ud800", "a\udc00b"],
];

const DEEP = [nested("[", "]", 101), nested("[", "]", 20_000), nested("[", "]", 99)];
/** JSON that no store keeps as it is, and that a place for any JSON would take. */
const UNFIT: readonly unknown[] = [
  ...DEEP,
  raw("1e400"),
  "\ud800",
  { a: ["x\udc00"] },
  { "\udbff": 1 },
  [raw("-1e999")],
];
const SHAPES: readonly unknown[] = [
  ...[null, true, false, [], {}, [[]], [null], [{}], { length: 1e9 }, { $ref: "#" }, { toJSON: 1 }],
  ...MAGIC.map((key) => withKey({}, key, withKey({}, "polluted", true))),
  Array.from({ length: 1000 }, () => 0),
  Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`k${n}`, n])),
];

const anyText = fc.oneof(
  fc.constantFrom(...TEXTS, ...MAGIC),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ maxLength: 300 }),
);

/** Any JSON value, with a liking for the ones that break things. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: anyText },
  { weight: 3, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 3, arbitrary: fc.constantFrom(...SHAPES) },
  { weight: 3, arbitrary: fc.constantFrom(...UNFIT) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
);

/** Harmless JSON of any shape, for where all of it is allowed. */
export const harmlessValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(...MAGIC.map((key) => withKey({}, key, 1)), 1.7e308, "👩‍👩‍👧", {
    a: { b: [null, -0] },
  }),
);

/** Ids as they stand in a path, still encoded. */
export const oddSegment = fc.oneof(
  fc.constantFrom(
    ...[
      ".",
      "..",
      "...",
      "%2e",
      "%2e%2e",
      "..%2f..",
      "a/b",
      "a%2Fb",
      "a%2fb",
      "a\\b",
      "a%5cb",
      "a?b",
      "a%3Fb",
      "a#b",
    ],
    ...[
      "a%23b",
      "%",
      "%%",
      "%2",
      "%zz",
      "a%25b",
      "%00",
      "a%00",
      "%0d%0ax:1",
      "%E2%80",
      "%C0%AF",
      "%ff",
      "%ED%A0%80",
    ],
    ...[
      "",
      "%20",
      "+",
      ":",
      ":1",
      "a:b:c",
      "-",
      "_",
      "~",
      "*",
      "a;b=c",
      "a@b",
      "(a)",
      "{id}",
      "%7Bid%7D",
      "$batch",
    ],
    ...[
      "batch",
      "bulk",
      "BATCH",
      "heartbeat",
      "\u00e4",
      "%C3%A4",
      "%F0%9F%92%A9",
      "%E2%80%AE",
      "%EF%BB%BF",
      ".a",
    ],
    ...["x".repeat(128), "x".repeat(129), "x".repeat(4000), "%41".repeat(43), "a b", "a\tb"],
    ...MAGIC,
  ),
  fc.string({ unit: "binary", maxLength: 20 }).map(encodeURIComponent),
  fc.string({ maxLength: 10 }),
);
