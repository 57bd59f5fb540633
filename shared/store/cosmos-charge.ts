/** What Cosmos DB says it charged for a request, in request units. */
import type { Store } from "../core/ports/store.js";
import type { ContainerName } from "../schema/containers.js";

/** Told of each request that was answered, whatever the answer: a refusal is charged as well. */
export type Charged = (operation: keyof Store, container: ContainerName, requestUnits: number) => void;

export interface Bill {
  /** Tells what this answer, or error, of the SDK says that it cost. */
  readonly add: (operation: keyof Store, container: ContainerName, answer: unknown) => void;
  /** The same for the answer that is awaited; gives it, or throws the error, as it came. */
  readonly awaiting: <T>(operation: keyof Store, container: ContainerName, answer: Promise<T>) => Promise<T>;
}

export function billTo(charged: Charged = () => undefined): Bill {
  const add: Bill["add"] = (operation, container, answer) => {
    const requestUnits = chargeOf(answer);
    if (requestUnits !== undefined) charged(operation, container, requestUnits);
  };
  return {
    add,
    awaiting: async (operation, container, request) => {
      try {
        const answer = await request;
        add(operation, container, answer);
        return answer;
      } catch (error) {
        add(operation, container, error);
        throw error;
      }
    },
  };
}

/** Answers and errors have it in the same header, as text or as a number. */
function chargeOf(answer: unknown): number | undefined {
  if (typeof answer !== "object" || answer === null || !("headers" in answer)) return undefined;
  const { headers } = answer as { headers?: Record<string, unknown> };
  const found = Number.parseFloat(String(headers?.["x-ms-request-charge"]));
  return Number.isFinite(found) ? found : undefined;
}
