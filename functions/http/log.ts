import type { InvocationContext } from "@azure/functions";
import type { Log } from "../../shared/core/ports/runtime.js";

/** The log of one invocation: the platform joins its lines with the function and the request. */
export function logTo(context: InvocationContext): Log {
  return {
    info: (message) => {
      context.info(message);
    },
    warn: (message) => {
      context.warn(message);
    },
    error: (message) => {
      context.error(message);
    },
  };
}
