/** What a route answers, before it is an HTTP response. */
import type { HttpResponseInit } from "@azure/functions";
import { PROBLEMS } from "../../shared/schema/problems.js";
import type { ProblemCode } from "../../shared/schema/problems.js";

export interface Answer {
  readonly status: number;
  /** JSON; absent where the status allows no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal, as a problem document (RFC 9457) will say it. */
export class Problem {
  readonly code: ProblemCode;
  /** What is wrong with this very request: never a value of a setting, a store's message, or a secret. */
  readonly detail: string;
  /** Members that the contract names for this code. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { members?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ) {
    this.code = code;
    this.detail = detail;
    this.members = more.members ?? {};
    this.headers = more.headers ?? {};
  }
}

/** What is answered is true at that moment and for that caller: no cache may keep it. */
const BY_DEFAULT = { "cache-control": "no-store" };

/** The HTTP response. Every one carries the request's id, and says what it is. */
export function toResponse(answer: Answer | Problem, requestId: string): HttpResponseInit {
  const headers = { ...BY_DEFAULT, ...answer.headers, "x-request-id": requestId };
  if (answer instanceof Problem) {
    const { status, title } = PROBLEMS[answer.code];
    const { code, detail } = answer;
    return {
      status,
      headers: { ...headers, "content-type": "application/problem+json", "x-ms-error-code": code },
      body: JSON.stringify({
        type: "about:blank",
        title,
        status,
        detail,
        instance: requestId,
        code,
        ...answer.members,
      }),
    };
  }
  if (answer.body === undefined) return { status: answer.status, headers };
  return {
    status: answer.status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(answer.body),
  };
}
