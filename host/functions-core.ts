/**
 * The module `@azure/functions-core`, which the runtime gives to @azure/functions, and the record of
 * what an app registers through it.
 *
 * The real worker puts the module into `require` by a proxy, and so does this one. The library keeps
 * the module it got first, for as long as the process lives; so there is one module, and the app that
 * is loading at the moment receives the registrations. Two apps may be loaded one after the other.
 *
 * Only the default mode is offered. The module has no `log`, by which the library tells a host that
 * can't stream: `app.setup({enableHttpStream: true})` then throws, instead of requests hanging.
 */
import Module from "node:module";
import type { FunctionCallback, FunctionMetadata, ProgrammingModel, RpcBinding } from "./rpc.js";

/** A function as the app registered it. */
export interface RegisteredFunction {
  readonly name: string;
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
  /** The name of the binding that triggers it. */
  readonly triggerName: string;
  readonly trigger: RpcBinding;
}

/** All that an app registered while it was loaded. */
export interface LoadedApp {
  readonly functions: readonly RegisteredFunction[];
  readonly model: ProgrammingModel;
  /** Runs the app's hooks of this kind, in order; an error stops it. */
  runHooks(name: "appStart" | "appTerminate"): Promise<void>;
}

type HookCallback = (context: { hookData: Record<string, unknown> }) => unknown;

interface Registrations {
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: { readonly name: string; readonly callback: HookCallback }[];
}

let loading: Registrations | undefined;
let model: ProgrammingModel | undefined;
let injected = false;

/**
 * Loads an app and returns what it registered. Throws what `load` throws, when a function has no
 * trigger or a name twice, and when another app is being loaded.
 */
export async function loadApp(load: () => Promise<unknown>): Promise<LoadedApp> {
  if (loading !== undefined) throw new Error("another app is being loaded; load one after the other");
  inject();
  const registrations: Registrations = { functions: new Map(), hooks: [] };
  loading = registrations;
  try {
    await load();
  } finally {
    loading = undefined;
  }
  if (model === undefined || registrations.functions.size === 0) {
    throw new Error("the app registered no function");
  }
  return { functions: [...registrations.functions.values()], model, runHooks: hooksOf(registrations) };
}

function hooksOf(registrations: Registrations): LoadedApp["runHooks"] {
  const hookData = {};
  return async (wanted) => {
    for (const { name, callback } of registrations.hooks) {
      if (name === wanted) await callback({ hookData });
    }
  };
}

function inject(): void {
  if (injected) return;
  injected = true;
  const core = coreModule();
  const prototype = Module.prototype as { require: (this: unknown, id: string) => unknown };
  prototype.require = new Proxy(prototype.require, {
    apply: (target, self, args: [string]) =>
      args[0] === "@azure/functions-core" ? core : Reflect.apply(target, self, args),
  });
}

function coreModule(): object {
  return {
    version: "3.0.0",
    hostVersion: "4.0.0",
    setProgrammingModel: (given: ProgrammingModel) => {
      model = given;
    },
    getProgrammingModel: () => model,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) => {
      const { functions } = whileLoading(`The function ${metadata.name}`);
      if (functions.has(metadata.name)) throw new Error(`two functions are named ${metadata.name}`);
      functions.set(metadata.name, toRegistered(metadata, callback));
      return disposable(() => functions.delete(metadata.name));
    },
    registerHook: (name: string, callback: HookCallback) => {
      if (name !== "appStart" && name !== "appTerminate") {
        throw new Error(`this host runs no ${name} hooks`);
      }
      const { hooks } = whileLoading(`The ${name} hook`);
      const hook = { name, callback };
      hooks.push(hook);
      return disposable(() => hooks.splice(hooks.indexOf(hook), 1));
    },
  };
}

function whileLoading(what: string): Registrations {
  if (loading === undefined) throw new Error(`${what} was registered after the app had started`);
  return loading;
}

function toRegistered(metadata: FunctionMetadata, callback: FunctionCallback): RegisteredFunction {
  const found = Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type ?? ""));
  if (found === undefined) throw new Error(`the function ${metadata.name} has no trigger`);
  return { name: metadata.name, metadata, callback, triggerName: found[0], trigger: found[1] };
}

function disposable(undo: () => unknown): { dispose(): void } {
  let done = false;
  return {
    dispose: () => {
      if (!done) undo();
      done = true;
    },
  };
}
