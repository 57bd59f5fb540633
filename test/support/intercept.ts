import type { Store } from "../../shared/core/ports/store.js";
import { StoreUnavailable } from "../../shared/core/ports/store.js";

/** One store operation that is about to happen. */
export interface Call {
  readonly method: keyof Store;
  readonly container: string;
  /** The document that a create or replace is about to write. */
  readonly doc: Record<string, unknown>;
}

type Hook = (call: Call, proceed: () => Promise<unknown>) => Promise<unknown>;

/** The same store, with `hook` around each operation: to run something in between, to lose an answer, to crash. */
export function intercept(store: Store, hook: Hook): Store {
  return new Proxy(store, {
    get: (target, name: keyof Store) => {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) =>
        hook(
          { method: name, container: String(args[0]), doc: (args[1] ?? {}) as Record<string, unknown> },
          () => method.apply(target, args),
        );
    },
  });
}

/** A process that dies: nothing of it runs on, and nobody gets an answer. */
export class Crash extends Error {}

type Matcher = (call: Call) => boolean;

export const writes =
  (container: string, nth = 1): Matcher =>
  (call) =>
    (call.method === "replaceIfMatch" || call.method === "create") &&
    call.container === container &&
    --nth === 0;

export const reads =
  (container: string, nth = 1): Matcher =>
  (call) =>
    call.method === "read" && call.container === container && --nth === 0;

/** Dies right after the effect of the first operation that matches; whatever it tries afterwards fails, too. */
export function crashAfter(store: Store, matches: Matcher): Store {
  let dead = false;
  return intercept(store, async (call, proceed) => {
    if (dead) throw new Crash("dead");
    if (!matches(call)) return proceed();
    await proceed();
    dead = true;
    throw new Crash(`died after ${call.method} of ${call.container}`);
  });
}

/** Dies right before the effect of the first operation that matches; whatever it tries afterwards fails, too. */
export function crashBefore(store: Store, matches: Matcher): Store {
  let dead = false;
  return intercept(store, (call, proceed) => {
    dead ||= matches(call);
    return dead ? Promise.reject(new Crash(`died before ${call.method} of ${call.container}`)) : proceed();
  });
}

/** Loses the answer of the first operation that matches, though it happened. */
export function loseAnswer(store: Store, matches: Matcher): Store {
  let lost = false;
  return intercept(store, async (call, proceed) => {
    if (lost || !matches(call)) return proceed();
    lost = true;
    await proceed();
    throw new StoreUnavailable("the answer was lost");
  });
}

/** Answers the first operation that matches with an error, and lets it happen only when `later` is called. */
export function delayEffect(store: Store, matches: Matcher): { store: Store; later: () => Promise<unknown> } {
  let held: (() => Promise<unknown>) | undefined;
  return {
    store: intercept(store, (call, proceed) => {
      if (held !== undefined || !matches(call)) return proceed();
      held = proceed;
      return Promise.reject(new StoreUnavailable("no answer in time"));
    }),
    later: async () => held?.(),
  };
}

/** Runs `meanwhile` once, right before the first operation that matches. */
export function justBefore(store: Store, matches: Matcher, meanwhile: () => Promise<unknown>): Store {
  let done = false;
  return intercept(store, async (call, proceed) => {
    if (!done && matches(call)) {
      done = true;
      await meanwhile();
    }
    return proceed();
  });
}
