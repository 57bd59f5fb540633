/** From what a caller sent to what a route works with, or to a list of what is wrong with it. */
import type { z } from "zod";
import { Problem } from "./answer.js";

/** Errors named in one answer: enough to mend a request, too few to make the answer a burden. */
export const ERRORS_MAX = 20;
/** Characters of a path in an answer: a property's name may be as long as the body. */
const PATH_CHARS_MAX = 256;

export interface FieldError {
  /** `checkpoint.wipBranch`, `deps.0`; "" is the whole. */
  readonly path: string;
  readonly message: string;
}

/** The value as the schema makes it, or every field that is wrong. */
export function validate<S extends z.ZodType>(schema: S, given: unknown): z.infer<S> | Problem {
  const parsed = schema.safeParse(given);
  return parsed.success ? parsed.data : invalid(parsed.error.issues.flatMap(toErrors));
}

/** 400 `validation_failed`, naming each field. */
export function invalid(errors: readonly FieldError[]): Problem {
  const named = errors
    .slice(0, ERRORS_MAX)
    .map(({ path, message }) => ({ path: path.slice(0, PATH_CHARS_MAX), message }));
  const [first] = named;
  const where = first === undefined || first.path === "" ? "" : `${first.path}: `;
  return new Problem("validation_failed", `${where}${first?.message ?? "is not valid"}`, {
    members: { errors: named },
  });
}

/** The same, where the errors of a list's elements say whose they are: `jobs.3.deps.0` is entry 3's. */
export function byEntry(validated: unknown, list: string | undefined): unknown {
  if (list === undefined || !(validated instanceof Problem)) return validated;
  const { code, detail, members, headers } = validated;
  const named = members["errors"] as readonly FieldError[] | undefined;
  if (named === undefined) return validated;
  const errors = named.map((error) => {
    const [first, index] = error.path.split(".");
    return first === list && index !== undefined ? { index: Number(index), code, ...error } : error;
  });
  return new Problem(code, detail, { members: { ...members, errors }, headers });
}

/** A property that is not known is an error of its own, at its own path: each names what to leave out. */
function toErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...issue.path, key].join("."), message: "is not known here" }));
  }
  return [{ path: issue.path.join("."), message: issue.message }];
}
