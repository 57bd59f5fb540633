import type { Log } from "../../shared/core/ports/runtime.js";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { Problem } from "./answer.js";

/** After what is usually a failover or a restart; whoever wants to wait longer may. */
const STORE_RETRY_SECONDS = 1;
/** A person must change a setting first. */
const MISCONFIGURED_RETRY_SECONDS = 60;

/** What an error is to the caller. What it is to us goes to the log: the caller never sees a store's message. */
export function problemOf(error: unknown, log: Log): Problem {
  if (error instanceof StoreThrottled) {
    log.warn(describe(error));
    const seconds = Math.max(1, Math.ceil(error.retryAfterSeconds));
    return new Problem("throttled", "The store is busy. Nothing was done.", {
      headers: { "retry-after": String(seconds) },
    });
  }
  if (error instanceof StoreUnavailable) {
    log.warn(describe(error));
    return new Problem("store_unavailable", "Whether anything was done is not known. Send it again.", {
      headers: { "retry-after": String(STORE_RETRY_SECONDS) },
    });
  }
  log.error(describe(error));
  // Its message is ours: it says what is wrong with the store's set-up, and quotes nobody.
  if (error instanceof StoreMisconfigured) return misconfiguration(error.message);
  return new Problem("internal_error", "The log tells more, under this request's id.");
}

/** 503 for every request until a person mends a setting. `what` names settings, never a value. */
export function misconfigured(what: string, log: Log): Problem {
  log.error(`misconfigured: ${what}`);
  return misconfiguration(what);
}

function misconfiguration(what: string): Problem {
  return new Problem("misconfigured", what, {
    headers: { "retry-after": String(MISCONFIGURED_RETRY_SECONDS) },
  });
}

/** An error with its stack and its causes, for the log alone. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by: ${describe(error.cause)}`;
  return (error.stack ?? error.message) + cause;
}
