/** What the host itself answers, in the words of the contract: where no function was reached. */
import { randomUUID } from "node:crypto";

const problems = {
  validation_failed: { status: 400, title: "The request is not of the right shape" },
  not_found: { status: 404, title: "There is no such thing" },
  headers_too_large: { status: 431, title: "The headers are too large" },
} as const;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A problem document (RFC 9457) with the headers that go with it. */
export function problem(code: keyof typeof problems, detail: string, requestId: string): Answer {
  const { status, title } = problems[code];
  const errors = code === "validation_failed" ? { errors: [{ path: "", message: detail }] } : {};
  const document = { type: "about:blank", title, status, detail, instance: requestId, code, ...errors };
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      "x-ms-error-code": code,
      "x-request-id": requestId,
    },
    body: JSON.stringify(document),
  };
}

/** The caller's `x-request-id` where it is 1 to 128 safe characters, else a new one. */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === "string" && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : randomUUID();
}
