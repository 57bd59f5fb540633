import type { ContainerName } from "../../schema/containers.js";
import type { Decision } from "../../schema/decision.js";
import type { Store } from "./store.js";

/** Who counts and measures what happens here. It never throws, and never delays whom it listens to. */
export interface Recorder {
  decision(decision: Decision): void;
  /** An HTTP answer of the function `route`. */
  answered(route: string, status: number, tookMs: number): void;
  /** One request to the store. */
  stored(operation: keyof Store, outcome: StoreOutcome, tookMs: number): void;
  /** What the store says it charged for an answer, in request units. A store that charges nothing says nothing. */
  charged(operation: keyof Store, container: ContainerName, requestUnits: number): void;
}

/** `failed`: whatever the store's port does not name. */
export type StoreOutcome = "done" | "throttled" | "unavailable" | "misconfigured" | "failed";
