/**
 * What Cosmos DB's answers, and its SDK's ways to fail, mean for the store port.
 *
 * The SDK throws an ErrorResponse whose `code` is the HTTP status; a TimeoutError for its own deadline;
 * a RestError with the socket's code (ECONNRESET, ECONNREFUSED …) for a broken connection; an AbortError
 * for ours; and a SyntaxError where a gateway in between answers something that is not JSON. Only what
 * is known to have changed nothing gets a definite meaning; all the rest is an unknown outcome.
 */
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../core/ports/store.js";

/** A 404 because the database or the container is missing, not the document. */
const SUBSTATUS_OWNER_MISSING = 1003;
/** 403s that pass: a region failing over, an account being moved, a partition that is full. */
const SUBSTATUS_PASSING_REFUSALS = new Set([3, 1008, 1014]);

/** The HTTP status that the store answered with, or undefined when there was no such answer. */
export function statusOf(error: unknown): number | undefined {
  return numberAt(error, "code");
}

/** Whether the store said that the document itself, and nothing around it, is not there. */
export function isDocumentMissing(status: number | undefined, substatus: number | undefined): boolean {
  return status === 404 && (substatus === undefined || substatus === 0);
}

/** The same for an error that the SDK threw. */
export function saysDocumentMissing(error: unknown): boolean {
  return isDocumentMissing(statusOf(error), numberAt(error, "substatus"));
}

/** The port's error for what the SDK threw and no operation takes for an expected answer. */
export function toStoreError(error: unknown): Error {
  if (isStoreError(error)) return error;
  const status = statusOf(error);
  const substatus = numberAt(error, "substatus");
  const cause = withoutRequest(error);
  switch (status) {
    case 429:
      // Whole seconds, and never 0: that would be no relief.
      return new StoreThrottled(Math.max(1, Math.ceil(retryAfterMs(error) / 1000)), cause);
    case 401:
      return new StoreMisconfigured("Cosmos DB refuses the credential (401)", cause);
    case 403:
      if (substatus !== undefined && SUBSTATUS_PASSING_REFUSALS.has(substatus)) break;
      return new StoreMisconfigured(
        "Cosmos DB refuses access (403): role assignment, firewall or key",
        cause,
      );
    case 404:
      // 1002 is a replica that lags behind: it says nothing about the document.
      if (substatus !== undefined && substatus !== 0 && substatus !== SUBSTATUS_OWNER_MISSING) break;
      return new StoreMisconfigured("Cosmos DB has no such database or container", cause);
    case 400:
    case 409:
    case 413:
      return new Error(`Cosmos DB refused a request that should be valid (${status})`, { cause });
    case undefined:
    default:
  }
  return new StoreUnavailable(`Cosmos DB gave no answer to rely on (${nameOf(error)})`, cause);
}

/**
 * The error as it may be logged. A RestError carries the request that failed: its credential, and the
 * document in its body.
 */
function withoutRequest(error: unknown): unknown {
  if (!(error instanceof Error) || !("request" in error)) return error;
  return new Error(`${error.name}: ${error.message}`);
}

function isStoreError(error: unknown): error is Error {
  return (
    error instanceof StoreThrottled ||
    error instanceof StoreUnavailable ||
    error instanceof StoreMisconfigured
  );
}

/** How long a 429 asks to wait; 0 when it does not say. */
export function retryAfterMs(error: unknown): number {
  return numberAt(error, "retryAfterInMs") ?? 0;
}

/** A status or a code for the log: never the message, which may quote addresses and documents. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const code = "code" in error ? error.code : undefined;
  return typeof code === "string" || typeof code === "number" ? String(code) : error.name;
}

function numberAt(error: unknown, property: string): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value = (error as Record<string, unknown>)[property];
  return typeof value === "number" && !Number.isNaN(value) ? value : undefined;
}
