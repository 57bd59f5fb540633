/** A request's body: of the right type, not too large, JSON, and JSON that can be kept as it is. */
import type { HttpRequest } from "@azure/functions";
import { BODY_BYTES_MAX } from "../../shared/schema/limits.js";
import { Problem } from "./answer.js";
import { invalid } from "./validate.js";
import type { FieldError } from "./validate.js";

/** Levels of arrays and objects. Cosmos DB stores at most 128, and a job and its event add a few around ours. */
const NESTING_MAX = 100;

const JSON_TYPE = /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*$/i;

/** The parsed body, or the first thing that is wrong with it. `absent` stands for one that is not there. */
export async function readJson(
  request: HttpRequest,
  absent?: Readonly<Record<string, never>>,
): Promise<{ json: unknown } | Problem> {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  const isJson =
    JSON_TYPE.test(request.headers.get("content-type") ?? "") && encoding.toLowerCase() === "identity";
  const mayBeAbsent = absent !== undefined && request.headers.get("content-type") === null;
  if (!isJson && !mayBeAbsent) return wrongType();
  if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX) return tooLarge();
  const bytes = await readBytes(request);
  if (bytes instanceof Problem) return bytes;
  if (mayBeAbsent && bytes.byteLength === 0) return { json: absent };
  if (!isJson) return wrongType();
  const parsed = parse(bytes);
  if (parsed === undefined) return new Problem("malformed_json", "The body is not JSON in UTF-8.");
  const unfit = findUnfit(parsed.json);
  return unfit === undefined ? parsed : invalid([unfit]);
}

/**
 * A length may be missing or untrue: the bytes are counted as they come. In its default mode the platform has
 * them all before; where it streams them, leaving the loop tells the sender that no more are wanted.
 */
async function readBytes(request: HttpRequest): Promise<Uint8Array | Problem> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > BODY_BYTES_MAX) return tooLarge();
    chunks.push(chunk);
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}

function wrongType(): Problem {
  return new Problem("unsupported_media_type", "Send application/json in UTF-8, without an encoding.");
}

function tooLarge(): Problem {
  return new Problem("body_too_large", `A body has at most ${BODY_BYTES_MAX} bytes.`);
}

function parse(bytes: Uint8Array): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown };
  } catch {
    return undefined;
  }
}

/**
 * What JSON allows and a store does not keep: nesting without end, halves of characters (which have no
 * UTF-8 and no canonical hash), numbers beyond a double (which would silently become null). Walks
 * without recursion, since depth is what it looks for.
 */
function findUnfit(json: unknown): FieldError | undefined {
  const first = unfitness(json, 0);
  if (first !== undefined) return { path: "", message: first };
  // Containers alone are kept, each with a link to the one around it: a megabyte of small values costs
  // no more memory than JSON.parse took, and a path is spelled out only for what is wrong.
  const open: Level[] = isContainer(json) ? [{ value: json, key: "", around: undefined, depth: 0 }] : [];
  for (let level = open.pop(); level !== undefined; level = open.pop()) {
    for (const key of Object.keys(level.value)) {
      if (!key.isWellFormed()) return { path: pathTo(level), message: "has a name that is not Unicode" };
      const value: unknown = Reflect.get(level.value, key);
      const message = unfitness(value, level.depth + 1);
      if (message === undefined && !isContainer(value)) continue;
      const inner = { value: isContainer(value) ? value : {}, key, around: level, depth: level.depth + 1 };
      if (message !== undefined) return { path: pathTo(inner), message };
      open.push(inner);
    }
  }
  return undefined;
}

interface Level {
  readonly value: object;
  readonly key: string;
  readonly around: Level | undefined;
  readonly depth: number;
}

function pathTo(level: Level): string {
  const path: string[] = [];
  for (let at: Level = level; at.around !== undefined; at = at.around) path.unshift(at.key);
  return path.join(".");
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function unfitness(value: unknown, depth: number): string | undefined {
  if (typeof value === "string" && !value.isWellFormed()) return "holds half a character (a lone surrogate)";
  if (typeof value === "number" && !Number.isFinite(value)) return "is too large a number";
  if (typeof value === "object" && depth > NESTING_MAX) return `is nested deeper than ${NESTING_MAX} levels`;
  return undefined;
}
