/** What the simulated store answers where no document is shown. */
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import type { Refusal, Reply } from "./operation.js";

function saying(text: string, fields: object): Reply {
  return { text, value: () => ({ ...fields }) };
}

export const NOTHING: Reply = { text: "nothing", value: () => undefined };
export const EXISTS = saying("exists", { kind: "exists" });
export const MISSING = saying("missing", { kind: "missing" });
export const MISMATCH = saying("etag_mismatch", { kind: "etag_mismatch" });
export const DELETED = saying("deleted", { kind: "deleted" });

export function written(kind: "created" | "replaced", version: number): Reply {
  return saying(`${kind} ${version}`, { kind, etag: String(version) });
}

export function number(value: number): Reply {
  return { text: String(value), value: () => value };
}

export const THROTTLED: Refusal = { text: "throttled", error: () => new StoreThrottled(1) };

function unavailable(text: string): Refusal {
  return { text, error: () => new StoreUnavailable(text) };
}

export const NO_ANSWER = {
  refused: unavailable("simulated 503"),
  lost: unavailable("simulated reset"),
  late: unavailable("simulated time-out"),
};
