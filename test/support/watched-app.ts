/** The app with metrics on, its exporter replaced by one that keeps what it is given. */
import type { MeterProvider } from "@opentelemetry/sdk-metrics";
import { vi } from "vitest";
import { startApp } from "./http-app.js";
import type { HttpApp, Provider } from "./http-app.js";
import { fakeExporter } from "./meter.js";
import type { FakeExporter } from "./meter.js";

export const CONNECTION =
  "InstrumentationKey=00000000-1111-2222-3333-444444444444;IngestionEndpoint=https://in.example/";

/** What the package that exports was told. */
export interface AzureMonitor {
  readonly options: unknown[];
  stopped: number;
}

export interface Watched {
  readonly app: HttpApp;
  readonly exporter: FakeExporter;
  readonly azure: AzureMonitor;
}

/** Starts the app with `environment` on top, and waits until its exporter is there; `fails`: it never is. */
export async function aWatchedApp(
  environment: Readonly<Record<string, string>> = {},
  fails = false,
  provider: Provider = "memory",
): Promise<Watched> {
  const exporter = fakeExporter();
  const azure: AzureMonitor = { options: [], stopped: 0 };
  replacePackage(azure, exporter.provider, fails);
  const app = await startApp(provider, {
    APPLICATIONINSIGHTS_CONNECTION_STRING: CONNECTION,
    ...environment,
  });
  if (!fails) await vi.waitUntil(() => azure.options.length > 0, { timeout: 10_000 });
  return { app, exporter, azure };
}

/** Only the package is replaced: all between the app and it is real. */
function replacePackage(azure: AzureMonitor, provider: MeterProvider, fails: boolean): void {
  vi.doMock("@azure/monitor-opentelemetry", async () => {
    const { metrics } = await import("@opentelemetry/api");
    return {
      useAzureMonitor: (options: unknown) => {
        if (fails) throw new TypeError(`can't parse ${CONNECTION}`);
        metrics.disable();
        metrics.setGlobalMeterProvider(provider);
        azure.options.push(options);
      },
      shutdownAzureMonitor: () => {
        azure.stopped++;
        return Promise.resolve();
      },
    };
  });
}

type Line = Readonly<Record<string, unknown>> & { decision: string; requestId: string };

/** The decisions among the lines of a log, as a query finds them. */
export function decisionsIn(log: readonly string[]): Line[] {
  return log.flatMap((line) => {
    const [, message = ""] = /^\w+: [\w-]+: (.*)$/s.exec(line) ?? [];
    return message.startsWith('{"decision":') ? [JSON.parse(message) as Line] : [];
  });
}
