/** From a request's schema to requests that pass it, mostly: rules that JSON Schema can't say are for the app to refuse. */
import fc from "fast-check";
import { z } from "zod";
import { harmlessValue, MAGIC } from "./hostile.js";

/** As much of JSON Schema as the requests use. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: unknown;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** What a caller may send, as JSON Schema. */
export function schemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }) as JsonSchema;
}

/** Stand for what there is when the request is sent. */
export const LIVE = { job: "@job", epoch: "@epoch", factory: "f1", profile: "p" } as const;

const freshKey = fc.nat({ max: 2 ** 40 }).map((n) => `k${n}`);
const instant = fc.date({ min: new Date(0), max: new Date("2099-12-31"), noInvalidDate: true });
/** Few: each set of requirements is a lane for good, and a product has 256. */
const WORDS = ["gpu", "docker", "__proto__", "constructor", "ü \u{1f980}", "a,b"];
const mostly = <T>(usual: fc.Arbitrary<T>, else_: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: else_ });

/** Where any value of the right shape would do, but one of these is about something that is there. */
const BY_NAME: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  factoryId: mostly(fc.constant(LIVE.factory), fc.constantFrom("f2", ...MAGIC)),
  leaseEpoch: mostly(fc.constant<unknown>(LIVE.epoch), fc.constantFrom<unknown>(1, 2, 99)),
  idempotencyKey: mostly(freshKey, fc.constantFrom("constructor", "toString", "same")),
  parentId: fc.oneof(freshKey, fc.constantFrom(LIVE.job, "key:same")),
  deps: mostly(
    fc.constant<string[]>([]),
    fc.array(fc.constantFrom(LIVE.job, "key:same", "key:no"), { maxLength: 3 }),
  ),
  capabilities: mostly(fc.constant<string[]>([]), fc.subarray(WORDS, { maxLength: 2 })),
  engines: fc.subarray(["claude", ...WORDS], { maxLength: 3 }),
  engineClass: fc.constantFrom("claude", "__proto__"),
  profile: fc.constantFrom(LIVE.profile, `${LIVE.profile}:1`),
  snapshot: fc.dictionary(fc.string({ maxLength: 8 }), harmlessValue, { maxKeys: 3 }),
  contentType: fc.constantFrom("text/plain", "text/plain; charset=utf-8", "a/b;c"),
  continuation: mostly(fc.constant(undefined), fc.constantFrom("x", "WyJhIl0")),
  cursor: fc.constantFrom("x", "WyJhIl0"),
  olderThan: instant.map((date) => date.toISOString()),
};

/** Values of the schema; `name` is the property's. */
export function valuesOf(schema: JsonSchema, name = ""): fc.Arbitrary<unknown> {
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (known !== undefined) return known;
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  switch (schema.type) {
    case "object":
      return objectsOf(schema);
    case "array": {
      const { items = {}, minItems = 0, maxItems = 3 } = schema;
      return fc.array(valuesOf(items), { minLength: minItems, maxLength: Math.min(3, maxItems) });
    }
    case "string":
      return textsOf(schema);
    case "integer":
      return fc.integer({ min: clamp(schema.minimum ?? -1000), max: clamp(schema.maximum ?? 100_000) });
    case "number": {
      const { minimum = 0, maximum = 1e12, exclusiveMinimum } = schema;
      const [min, max] = [exclusiveMinimum ?? minimum, Math.min(maximum, 1e12)];
      const range = { min, max, noNaN: true, minExcluded: exclusiveMinimum !== undefined };
      return fc.oneof(fc.double(range), fc.constant(max), fc.constant(Math.max(min, 1)));
    }
    case "boolean":
      return fc.boolean();
    case undefined:
      return harmlessValue;
    default:
      throw new Error(`the fuzzer knows no values of type ${schema.type}`);
  }
}

function objectsOf({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([key, inner]) => [key, valuesOf(inner, key)] as const);
  const made = fc.record(Object.fromEntries(members), { requiredKeys: [...required], noNullPrototype: true });
  // A rule between two properties, which no schema tells: without it hardly a report would pass.
  return made.map((value) =>
    "failure" in value && "stage" in properties ? { ...value, stage: "failed" } : value,
  );
}

function textsOf({ format, pattern, minLength = 0, maxLength }: JsonSchema): fc.Arbitrary<string> {
  if (format === "date-time") return instant.map((date) => date.toISOString());
  if (pattern !== undefined)
    return fc.stringMatching(new RegExp(pattern)).map((text) => text.slice(0, maxLength));
  return fc.string({ unit: "grapheme", minLength, maxLength: Math.min(40, maxLength ?? 40) });
}

function clamp(bound: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, bound));
}

/** Every place in the schema, `budget.usd`, `jobs.0.deps`: what there is to change. */
export function placesIn(schema: JsonSchema, at: readonly string[] = []): (readonly string[])[] {
  const members = Object.entries(schema.properties ?? {});
  const inner = members.flatMap(([key, value]) => placesIn(value, [...at, key]));
  const items = schema.items === undefined ? [] : placesIn(schema.items, [...at, "0"]);
  return [...(at.length === 0 ? [] : [at]), ...inner, ...items];
}

/** Own keys that the schema doesn't name: told without the validator whose word is doubted. */
export function unknownKeys(schema: JsonSchema, value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value))
    return schema.items === undefined ? [] : value.flatMap((item) => unknownKeys(schema.items ?? {}, item));
  const { properties } = schema;
  if (properties === undefined) return [];
  return Reflect.ownKeys(value).flatMap((key) => {
    const name = String(key);
    if (!Object.hasOwn(properties, name)) return [name];
    return unknownKeys(properties[name] ?? {}, Reflect.get(value, key));
  });
}
