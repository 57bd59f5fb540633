/** Bodies with one thing that is odd, or all of it. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { valuesOf } from "./derive.js";
import { hostileValue, MAGIC, toText, withKey } from "./hostile.js";
import { JSON_TYPE } from "./shape.js";
import type { Shape, Taken } from "./shape.js";

type Change = (value: unknown) => unknown;

/** The value with `change` done at the place; what isn't there on the way is made. */
function changed(value: unknown, [first, ...rest]: readonly string[], change: Change | undefined): unknown {
  if (first === undefined) return change?.(value);
  if (Array.isArray(value)) return [changed(value[0], rest, change), ...(value as unknown[]).slice(1)];
  const given = typeof value === "object" && value !== null ? value : {};
  if (rest.length > 0 || change !== undefined)
    return first === "0"
      ? [changed(undefined, rest, change)]
      : withKey(given, first, changed(Reflect.get(given, first), rest, change));
  return Object.fromEntries(Object.entries(given).filter(([key]) => key !== first));
}

const CHANGES: fc.Arbitrary<Change | undefined> = fc.oneof(
  {
    weight: 8,
    arbitrary: hostileValue.map(
      (value): Change =>
        () =>
          value,
    ),
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
const MORE: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom(...MAGIC, "", "x", "a.b", "\0", "x".repeat(9999)), hostileValue)
  .map(
    ([key, value]) =>
      (old) =>
        withKey(typeof old === "object" && old !== null ? old : {}, key, value),
  );

/** A fine body with one field changed, left out, or one too many. */
export function oneField({ body, places }: Taken, base: fc.Arbitrary<Shape>): fc.Arbitrary<Shape>[] {
  if (body === undefined || places.length === 0) return [];
  const place = fc.constantFrom<readonly string[]>(...places);
  const whole = fc.constant<readonly string[]>([]);
  const made = fc.tuple(
    base,
    valuesOf(body),
    fc.oneof(
      { weight: 6, arbitrary: fc.tuple(place, CHANGES) },
      { weight: 1, arbitrary: fc.tuple(place, MORE) },
      { weight: 2, arbitrary: fc.tuple(whole, MORE) },
    ),
  );
  return [
    made.map(([shape, value, [at, change]]) => ({
      ...shape,
      family: "one field",
      place: at.join("."),
      body: Buffer.from(toText(changed(value, at, change) ?? null)),
    })),
  ];
}

/** Bodies that are odd as a whole; to a route that takes none as well. */
export function oddBody({ body }: Taken, base: fc.Arbitrary<Shape>): fc.Arbitrary<Shape>[] {
  const sample = body === undefined ? fc.constant({}) : valuesOf(body);
  const whole = fc.tuple(base, hostileValue).map(([shape, value]) => ({
    ...shape,
    family: "whole body",
    body: Buffer.from(toText(value)),
  }));
  const bytes = fc.tuple(
    base,
    sample.chain((value) => oddBytes(toText(value))),
  );
  const family = { family: "bytes" };
  return [whole, bytes.map(([shape, odd]) => ({ ...shape, ...family, headers: withType(shape), body: odd }))];
}

function withType({ headers }: Shape): Shape["headers"] {
  return [...headers.filter(([name]) => name !== "content-type"), JSON_TYPE];
}

/** What is no JSON in UTF-8, or hardly, whatever it was to be. */
const FIXED = [
  ...["", " ", "\n", "null", "0", '""', "[]", "{", "}", "{]", "nul", "NaN", "{'a':1}", "{a:1}", "[1,]"],
  ...["[".repeat(100_000), '{"a":'.repeat(50_000), "1".repeat(100_000), '"\\ud800"', "x".repeat(2 ** 20 + 1)],
].map((text) => Buffer.from(text));
const ILL_ENCODED = [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff]].map((bytes) =>
  Buffer.from([0x7b, 0x22, ...bytes, 0x22, 0x3a, 0x31, 0x7d]),
);

/** What becomes of fine JSON text when somebody adds to it, or sends it otherwise. */
const SPOILT: readonly ((text: string) => Buffer | string)[] = [
  (text) => `${text},`,
  (text) => text + text,
  (text) => `\ufeff${text}`,
  (text) => `/**/${text}`,
  (text) => ` \t\r\n${text}\n`,
  (text) => `\v${text}`,
  (text) => `${text}\0`,
  (text) => `[${text}]`,
  (text) => JSON.stringify(text),
  (text) => Buffer.from(text, "utf16le"),
  (text) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]),
  (text) => gzipSync(text),
  // The first key twice: the last one counts.
  (text) => text.replace(/^\{("[^"]*":)/, (all, first: string) => `{${first}null,${all.slice(1)}`),
  (text) =>
    text.replace(/("[^"]*":)([^,{}[\]]*)\}$/, (all, last: string) => `${all.slice(0, -1)},${last}null}`),
];

/** Bodies that are no JSON in UTF-8, or hardly; `text` is a fine one. */
function oddBytes(text: string): fc.Arbitrary<Buffer> {
  const end = fc.nat({ max: Math.max(0, text.length - 1) });
  const spoilt = fc.constantFrom(...SPOILT).map((spoil) => Buffer.from(spoil(text) as string));
  return fc.oneof(
    { weight: 3, arbitrary: spoilt },
    { weight: 3, arbitrary: fc.constantFrom(...FIXED, ...ILL_ENCODED) },
    { weight: 3, arbitrary: end.map((at) => Buffer.from(text.slice(0, at))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array)) },
  );
}
