import type { InvocationContext } from "@azure/functions";
import type { Correlation } from "../../shared/schema/decision.js";
import type { Recorder } from "../../shared/core/ports/recorder.js";
import type { Log } from "../../shared/core/ports/runtime.js";
import { redact } from "./redact.js";

/**
 * The log of one invocation: the platform joins its lines with the function and the request. A decision is
 * one line of JSON with the decision's name first; schema/decision.ts says how a query reads it, and lets no
 * text in. Other lines may quote an error, and lose what looks like a credential. The recorder, where there is
 * one, hears of decisions as well.
 */
export function logTo(
  context: Pick<InvocationContext, "info" | "warn" | "error">,
  correlation: Correlation,
  recorder: Recorder | undefined,
): Log {
  return {
    decision: (told) => {
      const { decision, ...fields } = told;
      context.info(JSON.stringify({ decision, ...correlation, ...fields }));
      recorder?.decision(told);
    },
    info: (message) => {
      context.info(redact(message));
    },
    warn: (message) => {
      context.warn(redact(message));
    },
    error: (message) => {
      context.error(redact(message));
    },
  };
}
