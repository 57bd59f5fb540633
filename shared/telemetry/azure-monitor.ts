/**
 * Metrics to Application Insights. Importing this module costs up to 1.4 s of a cold start, so only a
 * dynamic import may name it, and only where a connection string is set.
 *
 * Metrics alone: requests, traces of the log and failures come from the Functions host, which reads the
 * same two settings. Instrumented here as well, each request would be stored and paid twice.
 */
import { shutdownAzureMonitor, useAzureMonitor } from "@azure/monitor-opentelemetry";
import { metrics } from "@opentelemetry/api";
import type { Monitoring } from "./lazy-monitoring.js";
import { metricsRecorder } from "./metrics.js";

type Exporter = NonNullable<
  NonNullable<Parameters<typeof useAzureMonitor>[0]>["azureMonitorExporterOptions"]
>;

const OFF = { enabled: false };
/** All that the package would hook into. */
const NO_INSTRUMENTATION = {
  azureSdk: OFF,
  http: OFF,
  mongoDb: OFF,
  mySql: OFF,
  postgreSql: OFF,
  redis: OFF,
  redis4: OFF,
  bunyan: OFF,
  winston: OFF,
  console: OFF,
};

/** Begins to export, once a minute. `credential`: who sends, where the connection string alone does not do. */
export function startMonitoring(
  connectionString: string,
  credential: Exporter["credential"] | undefined,
): Monitoring {
  useAzureMonitor({
    azureMonitorExporterOptions: {
      connectionString,
      ...(credential === undefined ? {} : { credential }),
      // A laptop's or an instance's disk is no place for what could not be sent.
      disableOfflineStorage: true,
    },
    instrumentationOptions: NO_INSTRUMENTATION,
    enableLiveMetrics: false,
    enableStandardMetrics: false,
    enablePerformanceCounters: false,
  });
  // Only now: a meter that is asked for before there is a provider measures nothing, for ever.
  const recorder = metricsRecorder(metrics.getMeter("fleet"));
  return { ...recorder, close: shutdownAzureMonitor };
}
