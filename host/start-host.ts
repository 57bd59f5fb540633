/**
 * A local host of Azure Functions: it loads an app as the runtime does, answers HTTP on 127.0.0.1 and
 * runs its timers. It knows the app only through what the app registers.
 */
import { loadApp, type LoadedApp } from "./functions-core.js";
import { type HttpServer, listen, type Patience } from "./http-server.js";
import { invokerOf } from "./invoke.js";
import { isHttp, routesOf } from "./router.js";
import type { HostLog } from "./rpc.js";
import { type RunOutcome, type Scheduler, systemScheduler, type Timers, timersOf } from "./timers.js";

/** Requests and timers that still run get this long to finish. */
const STOP_WAIT_MS = 5000;

export interface HostOptions {
  /** Imports the app's entry, or calls what registers its functions. */
  readonly load: () => Promise<unknown>;
  /** On 127.0.0.1; 0 is any free port. */
  readonly port: number;
  readonly log: HostLog;
  /** As in host.json; "" by default. */
  readonly routePrefix?: string | undefined;
  /** Time as it passes, by default. */
  readonly scheduler?: Scheduler | undefined;
  /** How long `stop` waits for what still runs, in milliseconds; 5 s by default. */
  readonly stopWaitMs?: number | undefined;
  /** With slow clients, and many of them. */
  readonly patience?: Partial<Patience> | undefined;
}

/** A function as a person reads of it. */
type HostedFunction =
  | {
      readonly kind: "http";
      readonly name: string;
      readonly methods: readonly string[];
      readonly path: string;
    }
  | { readonly kind: "timer"; readonly name: string; readonly schedule: string }
  | { readonly kind: "other"; readonly name: string };

export interface LocalHost {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  readonly functions: readonly HostedFunction[];
  /** Runs a function once that HTTP doesn't trigger; resolves after the run, and never rejects. */
  readonly runFunction: (name: string) => Promise<RunOutcome>;
  /**
   * Takes no more requests, waits for those in flight and for running timers (at most `stopWaitMs`),
   * then runs the app's hooks for its end. Called again it gives the same promise.
   */
  readonly stop: () => Promise<void>;
}

/**
 * Loads the app, listens, and starts its timers. Rejects when the app doesn't load, when a route or a
 * schedule is beyond this host, and with EADDRINUSE or EACCES when the port can't be had; nothing is
 * left running then.
 */
export async function startHost(options: HostOptions): Promise<LocalHost> {
  const app = await loadApp(options.load);
  try {
    return await serve(app, options);
  } catch (error) {
    await app.runHooks("appTerminate");
    throw error;
  }
}

async function serve(app: LoadedApp, options: HostOptions): Promise<LocalHost> {
  const { log, port, patience, routePrefix = "", scheduler = systemScheduler } = options;
  const invoke = invokerOf(app, log);
  const routes = routesOf(app.functions, routePrefix);
  const others = app.functions.filter((fn) => !isHttp(fn));
  const timers = timersOf(others, invoke, scheduler, log);
  await app.runHooks("appStart");
  const server = await listen(port, { routes, invoke, run: timers.run, log, patience });
  timers.start();
  let stopped: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${server.port}`,
    functions: [
      ...routes.map(({ fn, methods, path }) => ({ kind: "http", name: fn.name, methods, path }) as const),
      ...others.map(({ name, trigger: { schedule } }) =>
        schedule === undefined
          ? ({ kind: "other", name } as const)
          : ({ kind: "timer", name, schedule } as const),
      ),
    ],
    runFunction: timers.run,
    stop: () => (stopped ??= stop(app, server, timers, options)),
  };
}

async function stop(app: LoadedApp, server: HttpServer, timers: Timers, options: HostOptions): Promise<void> {
  const { log, stopWaitMs = STOP_WAIT_MS } = options;
  const finished = Promise.all([server.close(), timers.stop()]).then(() => "finished" as const);
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => {
    resolve("late");
  }, stopWaitMs);
  if ((await Promise.race([finished, late])) === "late") {
    log("warning", `what still ran after ${stopWaitMs} ms was cut off`);
    server.cut();
  }
  clearTimeout(timer);
  await app.runHooks("appTerminate");
}
