/** What a batch answers: for each entry what it would be answered alone, or what is wrong with it. */
import type { BatchRefused, EntryRefusal, EntryResult } from "../../shared/core/batch.js";
import type { Fleet } from "../../shared/core/fleet.js";
import { PROBLEMS } from "../../shared/schema/problems.js";
import type { ProblemCode } from "../../shared/schema/problems.js";
import { Problem } from "./answer.js";
import type { Answer } from "./answer.js";
import { problemOf } from "./failures.js";
import { answerTo } from "./outcomes.js";
import { ERRORS_MAX } from "./validate.js";
import type { FieldError } from "./validate.js";

type Told = Pick<Fleet, "clock" | "log">;

/** Which property of an entry each refusal is about. */
const ABOUT: Readonly<Record<EntryRefusal["kind"], string>> = {
  duplicate_key: "idempotencyKey",
  idempotency_conflict: "idempotencyKey",
  dependency_cycle: "deps",
  dependency_order: "deps",
  unknown_dependency: "deps",
  unknown_profile: "profile",
  too_many_lanes: "capabilities",
  queue_full: "",
};

interface EntryError {
  readonly index: number;
  readonly code: ProblemCode;
  readonly path: string;
  readonly message: string;
}

/**
 * What is the batch's own status: an entry wrong in itself before its dependencies, these before its key, and
 * that before a queue without room for all of them, which alone passes by itself.
 */
const STATUSES: readonly number[] = [400, 422, 409, 429];

/** Nothing was written. Each entry that is wrong says why, with the members that it alone would be told. */
export function toRefusal(fleet: Told, productId: string, { errors }: BatchRefused): Problem {
  const told = errors
    .map(({ index, refusal }) => toError(fleet, productId, index, refusal))
    .toSorted((a, b) => a.index - b.index);
  const rank = ({ code }: EntryError): number => STATUSES.indexOf(PROBLEMS[code].status);
  const [worst] = told.toSorted((a, b) => rank(a) - rank(b));
  if (worst === undefined) throw new Error("a batch was refused for nothing");
  const waits = errors.map(({ refusal }) => (refusal.kind === "queue_full" ? refusal.retryAfterSeconds : 0));
  return new Problem(worst.code, `Nothing was written. ${worst.path}: ${worst.message}`, {
    members: { errors: told.slice(0, ERRORS_MAX) },
    ...(worst.code === "throttled" ? { headers: { "retry-after": String(Math.max(...waits)) } } : {}),
  });
}

function toError(fleet: Told, productId: string, index: number, refusal: EntryRefusal): EntryError {
  const about = ABOUT[refusal.kind];
  const path = about === "" ? `jobs.${index}` : `jobs.${index}.${about}`;
  if (refusal.kind === "duplicate_key")
    return { index, code: "validation_failed", path, message: `is the key of jobs.${refusal.first}, too` };
  const problem = answerTo(fleet, { operation: "submit", productId }, refusal);
  if (!(problem instanceof Problem)) throw new Error(`${refusal.kind} is no refusal`);
  const { errors, ...members } = problem.members as { errors?: readonly FieldError[] };
  return { index, code: problem.code, path, message: errors?.[0]?.message ?? problem.detail, ...members };
}

/** 200: each entry is told its outcome or its error, in the order given. */
export function toResults(fleet: Told, productId: string, results: readonly EntryResult[]): Answer {
  const answers = results.map((result) => toAnswer(fleet, productId, result));
  const told = answers.map((answer) => {
    if (!(answer instanceof Problem)) return answer.body;
    const { code, detail, members } = answer;
    return { error: { ...members, status: PROBLEMS[code].status, code, detail } };
  });
  // As long as the one that asks for the longest: the batch is sent again as a whole.
  const waits = answers.map((answer) => Number(answer.headers?.["retry-after"] ?? 0));
  const again = Math.max(...waits);
  return {
    status: 200,
    body: { results: told },
    ...(again > 0 ? { headers: { "retry-after": String(again) } } : {}),
  };
}

function toAnswer(fleet: Told, productId: string, result: EntryResult): Answer | Problem {
  if (result.kind === "store_failed") return problemOf(result.error, fleet.log);
  if (result.kind !== "not_tried") return answerTo(fleet, { operation: "submit", productId }, result);
  const { because } = result;
  if (because === undefined)
    return new Problem("store_unavailable", "Not tried: the store failed before. Send the batch again.");
  // Others came between, so that what could be written a moment ago can't be any more.
  const { index, refusal } = because;
  const detail = `Not tried: it depends on jobs.${index}, which was refused.`;
  if (refusal.kind === "queue_full")
    return new Problem("throttled", detail, {
      headers: { "retry-after": String(refusal.retryAfterSeconds) },
    });
  const isInvalid = refusal.kind === "unknown_profile" || refusal.kind === "too_many_lanes";
  return new Problem(isInvalid ? "validation_failed" : refusal.kind, detail);
}
