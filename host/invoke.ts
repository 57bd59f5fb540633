import { randomUUID } from "node:crypto";
import type { LoadedApp, RegisteredFunction } from "./functions-core.js";
import type { HostLog, RpcHttpResponse, RpcInput } from "./rpc.js";

/** Calls a function once, and gives what it answered: undefined when nothing. */
export type Invoke = (fn: RegisteredFunction, data: RpcInput) => Promise<RpcHttpResponse | undefined>;

/** How this app's functions are called. An `Invoke` throws what the handler throws, logged already. */
export function invokerOf({ model }: LoadedApp, log: HostLog): Invoke {
  return async (fn, data) => {
    const invocationId = randomUUID();
    const invocation = model.getInvocationModel({
      invocationId,
      request: { invocationId, inputData: [{ name: fn.triggerName, data }] },
      metadata: fn.metadata,
      state: undefined,
      log: (level, _category, message) => {
        log(level, `${fn.name}: ${message}`);
      },
    });
    try {
      const { context, inputs } = await invocation.getArguments();
      const result = await invocation.invokeFunction(context, inputs, fn.callback);
      const { returnValue } = await invocation.getResponse(context, result);
      return returnValue?.http;
    } catch (error) {
      log("error", `${fn.name} failed: ${describe(error)}`);
      throw error;
    }
  };
}

/** An error with its stack, for the log; never for a caller. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
