import type { Meter } from "@opentelemetry/api";
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";

/** One series of one metric, as it was exported: of a histogram its sum. */
export type Point = readonly [metric: string, attributes: Readonly<Record<string, unknown>>, value: number];

/** The real SDK with an exporter that keeps what it is given. */
export interface FakeExporter {
  readonly provider: MeterProvider;
  readonly meter: Meter;
  /** What was measured since it was asked last. */
  readonly exported: () => Promise<Point[]>;
}

export function fakeExporter(): FakeExporter {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  // Never by itself: a test asks.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 });
  const provider = new MeterProvider({ readers: [reader] });
  return {
    provider,
    meter: provider.getMeter("test"),
    exported: async () => {
      exporter.reset();
      await reader.forceFlush();
      const metrics = exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((s) => s.metrics));
      return metrics.flatMap((metric): Point[] => {
        const { name } = metric.descriptor;
        if (metric.dataPointType === DataPointType.HISTOGRAM)
          return metric.dataPoints.map(({ attributes, value }) => [name, attributes, value.sum ?? 0]);
        if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) return [];
        return metric.dataPoints.map(({ attributes, value }) => [name, attributes, value]);
      });
    },
  };
}
