/** What Blob storage's answers, and its SDK's ways to fail, mean for the blob port. */
import { StoreMisconfigured, StoreUnavailable } from "../core/ports/store.js";

/** The HTTP status of an answer that the SDK threw; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const status = property(error, "statusCode");
  return typeof status === "number" ? status : undefined;
}

/** Whether the blob itself, and nothing around it, is not there, or not in the version that was asked for. */
export function saysBlobMissing(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || (status === 404 && codeOf(error) !== "ContainerNotFound");
}

/** The port's error for what the SDK threw and no operation takes for an expected answer. */
export function toBlobError(error: unknown): Error {
  if (error instanceof StoreUnavailable || error instanceof StoreMisconfigured) return error;
  const cause = withoutRequest(error);
  switch (statusOf(error)) {
    case 401:
      return new StoreMisconfigured("Blob storage refuses the credential (401)", cause);
    case 403:
      return new StoreMisconfigured(
        "Blob storage refuses access (403): role assignment, firewall or key",
        cause,
      );
    case 404:
      return new StoreMisconfigured("Blob storage has no container for artifacts (404)", cause);
    case undefined:
    default:
      return new StoreUnavailable(`Blob storage gave no answer to rely on (${nameOf(error)})`, cause);
  }
}

/** The error as it may be logged. A RestError carries the request that failed, with its credential. */
function withoutRequest(error: unknown): unknown {
  return error instanceof Error ? new Error(`${error.name}: ${nameOf(error)}`) : undefined;
}

/** A status or a code for the log: never the message, which may quote addresses. */
function nameOf(error: unknown): string {
  const code = codeOf(error) ?? statusOf(error);
  if (typeof code === "string" || typeof code === "number") return String(code);
  return error instanceof Error ? error.name : "unknown";
}

/** The service's own word. Answers to HEAD have no body, so there it is in the header alone. */
function codeOf(error: unknown): unknown {
  return property(error, "code") ?? property(property(error, "details"), "errorCode");
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
