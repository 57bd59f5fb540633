/** What an answer must be, whatever was asked: told from the request's bytes, not by the code that answered. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { PROBLEMS } from "../../shared/schema/problems.js";
import { unknownKeys } from "./derive.js";
import { KEY } from "./shape.js";
import type { Taken } from "./shape.js";
import type { Request, Response } from "./socket.js";

const document = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string().min(1),
  instance: z.string().min(1),
  code: z.enum(Object.keys(PROBLEMS) as [keyof typeof PROBLEMS, ...(keyof typeof PROBLEMS)[]]),
  errors: z
    .array(z.looseObject({ path: z.string().max(256), message: z.string() }))
    .max(20)
    .optional(),
});

/** Words of a stack, a store or a library: none of a caller's business. */
const INTERNAL =
  /node_modules|node:internal|\.[jt]s:\d+|SQLITE|\bat \w+ \(|Zod|TypeError|RangeError|undefined is not/;
/** An answer is at most a page of documents; one that refuses is short. */
const REFUSAL_CHARS_MAX = 20_000;

/** What is wrong with a refusal; undefined when it is a problem document as the contract has it. */
export function wrongRefusal({ method }: Request, { status, headers, text }: Response): string | undefined {
  if (status >= 500) return `it failed with ${status}`;
  if (headers["content-type"] !== "application/problem+json")
    return `type ${headers["content-type"] ?? "none"}`;
  if (method === "HEAD") return undefined;
  if (text.length > REFUSAL_CHARS_MAX) return `a refusal of ${text.length} characters`;
  const parsed = document.safeParse(json(text));
  if (!parsed.success) return `no problem document: ${z.prettifyError(parsed.error)}`;
  const { code, detail, instance, errors } = parsed.data;
  if (PROBLEMS[code].status !== status || parsed.data.status !== status)
    return `${code} with status ${status}`;
  if (headers["x-ms-error-code"] !== code) return "x-ms-error-code is not the code";
  if (headers["x-request-id"] !== instance) return "x-request-id is not the instance";
  if (code === "validation_failed" && errors === undefined) return "validation_failed without errors";
  return INTERNAL.test(detail) ? `it tells of its inside: ${detail}` : undefined;
}

/** What is wrong with an answer that isn't a refusal. */
export function wrongSuccess(
  taken: Taken,
  request: Request,
  { status, headers, text }: Response,
): string | undefined {
  const { route } = taken;
  if (headers["x-request-id"] === undefined) return "no x-request-id";
  const promised = route.answers[status];
  if (promised === undefined) return `${route.name} promises no status ${status}`;
  const unfit = route.role === "anyone" ? undefined : notAcceptable(taken, request);
  if (unfit !== undefined) return `it was accepted, though ${unfit}`;
  if (promised.body === undefined) return text === "" ? undefined : "a body where none is promised";
  const body = promised.body.safeParse(json(text));
  if (!body.success) return `not as promised: ${z.prettifyError(body.error)}`;
  return status === 201 ? lost(json(utf8(request.body) ?? ""), json(text)) : undefined;
}

/** What a caller may give that is kept as it is. */
const KEPT = ["bodyMd", "manifestSnapshot", "trackerItemId", "engineClass", "priority", "budget", "snapshot"];
const record = z.record(z.string(), z.unknown());

/** What of the body isn't in the thing that was made of it; undefined when all is. */
function lost(sent: unknown, answered: unknown): string | undefined {
  const given = record.parse(sent);
  const made = z.looseObject({ job: record.optional(), profile: record.optional() }).parse(answered);
  const thing = made.job ?? made.profile;
  // Without the sign of a zero, which JSON.stringify drops, and whatever the order of the keys.
  const plain = (value: unknown): unknown => json(JSON.stringify(value));
  const name = KEPT.find(
    (key) => thing !== undefined && key in given && !isDeepStrictEqual(plain(given[key]), plain(thing[key])),
  );
  return name === undefined ? undefined : `${name} was not kept as it was sent`;
}

/** Why a request to a route with a credential must not be accepted; undefined when it may be. */
export function notAcceptable({ route, body: schema }: Taken, request: Request): string | undefined {
  if (route.role === "anyone") return undefined;
  const all = (name: string): string[] =>
    request.headers.filter(([known]) => known.toLowerCase() === name).map(([, value]) => value.trim());
  if (!new RegExp(`^bearer +${KEY}$`, "i").test(all("authorization").join(",")))
    return "the key is not known";
  if (!/^[A-Za-z0-9][\w.:-]{0,127}$/.test(all("x-product-id").join(","))) return "the product is none";
  const query = route.query.safeParse(queryOf(request.target));
  if (!query.success) return `its query is wrong: ${z.prettifyError(query.error)}`;
  const key = all("idempotency-key").join(",");
  if (key !== "" && route.key !== undefined && !/^[A-Za-z0-9][\w.:-]{0,127}$/.test(key))
    return "Idempotency-Key is no id";
  if (schema === undefined || route.body === undefined) return undefined;
  if ((request.body?.length ?? 0) === 0 && route.bodyMayBeAbsent === true) return undefined;
  if (!/^application\/json *(;|$)/i.test(all("content-type").join(","))) return "it is no JSON by its type";
  if (!/^(identity)?$/i.test(all("content-encoding").join(","))) return "it is encoded";
  const value = json(utf8(request.body) ?? "");
  const whole = withKey(value, key, typeof route.key === "object" ? route.key.property : undefined);
  const unknown = unknownKeys(schema, value);
  if (unknown.length > 0) return `nobody knows ${unknown.join(", ")}`;
  if (isUnfit(value)) return "no store keeps it as it is";
  const parsed = route.body.safeParse(whole);
  return parsed.success ? undefined : `its body is wrong: ${z.prettifyError(parsed.error)}`;
}

const NESTING_MAX = 100;

/** Whether JSON holds half a character, a number that is none, or is nested too deep. Without recursion, for that reason. */
function isUnfit(json: unknown): boolean {
  const open: [unknown, number][] = [[json, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value === "string" && !value.isWellFormed()) return true;
    if (typeof value === "number" && !Number.isFinite(value)) return true;
    if (typeof value !== "object" || value === null) continue;
    if (depth > NESTING_MAX) return true;
    for (const [key, inner] of Object.entries(value)) open.push([key, depth], [inner, depth + 1]);
  }
  return false;
}

/** Refusals of what the schemas accept that say that it is not of the right shape. */
const SHAPE_CODES: readonly unknown[] = [
  "malformed_json",
  "unsupported_media_type",
  "body_too_large",
  "unauthenticated",
  "forbidden",
  "product_required",
  "method_not_allowed",
];

/** What is wrong with the refusal of a request in which nothing is odd. */
export function wronglyRefused(response: Response): string | undefined {
  const { code, detail } = document.partial().parse(json(response.text));
  if (SHAPE_CODES.includes(code)) return `a fine request was refused: ${code}, ${detail ?? ""}`;
  return undefined;
}

/** As the platform reads it: what is given twice is one, joined by a comma. Its own parameters are left out. */
function queryOf(target: string): Record<string, string> {
  const given = new URL(target, "http://127.0.0.1").searchParams;
  const names = [...new Set(given.keys())].filter((name) => name !== "code" && name !== "clientId");
  return Object.fromEntries(names.map((name) => [name, given.getAll(name).join(",")]));
}

function withKey(value: unknown, key: string, property: string | undefined): unknown {
  if (property === undefined || key === "" || typeof value !== "object" || value === null) return value;
  return { [property]: key, ...value };
}

function utf8(bytes: Buffer | undefined): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The value, or undefined for what is no JSON. */
function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
