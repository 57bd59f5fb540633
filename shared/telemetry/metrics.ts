/**
 * Decisions, answers and store requests as metrics: the one place that knows an instrument. It is given a
 * meter of OpenTelemetry's API, and imports no more of it than the type, so that who does not watch loads
 * nothing.
 *
 * Attributes have few values each (products, stages, reasons, routes), for every combination is a series
 * that is stored and paid: never a job, a factory or a request.
 */
import type { Attributes, Meter } from "@opentelemetry/api";
import type { Recorder } from "../core/ports/recorder.js";
import type { Decision, RunEnded, Snapshot } from "../schema/decision.js";

/** Every metric: its kind, its unit (UCUM), what it says, and what tells its series apart. docs/telemetry.md shows this. */
export const METRICS = {
  "fleet.submissions": ["counter", "1", "Submissions, by what became of them", "product, outcome"],
  "fleet.claims": ["counter", "1", "Jobs given to a factory", "product"],
  "fleet.claims.empty": ["counter", "1", "Claims that got no job", "product, reason"],
  "fleet.claim.latency": ["histogram", "ms", "From when a job could be claimed to its claim", "product"],
  "fleet.races.lost": ["counter", "1", "Candidates of a claim that another claim got first", "product"],
  "fleet.write.conflicts": ["counter", "1", "Conditional writes that found another version", "product"],
  "fleet.renewals": ["counter", "1", "Leases renewed", "product"],
  "fleet.fences": [
    "counter",
    "1",
    "Writes refused to a worker that lost its job",
    "product, operation, reason",
  ],
  "fleet.expiries": ["counter", "1", "Jobs taken from a factory whose lease was over", "product"],
  "fleet.ships": ["counter", "1", "Jobs shipped", "product"],
  "fleet.failures": ["counter", "1", "Jobs that ended failed or dead", "product, failure"],
  "fleet.run.duration": ["histogram", "ms", "Runs that ended, by how", "product, end"],
  "fleet.run.cost": ["counter", "USD", "What the runs that ended reported to have cost", "product"],
  "fleet.jobs": ["gauge", "1", "Open jobs, from the reaper's snapshots", "product, stage"],
  "fleet.queue.oldest": ["gauge", "s", "Age of the oldest queued job, from the snapshots", "product"],
  "fleet.leases.live": ["gauge", "1", "Jobs that a factory owns, from the snapshots", "product"],
  "fleet.reaper.duration": ["histogram", "ms", "Passes of the reaper", ""],
  "fleet.http.requests": ["counter", "1", "HTTP answers", "route, status"],
  "fleet.http.duration": ["histogram", "ms", "From a request's arrival to its answer", "route"],
  "fleet.store.duration": [
    "histogram",
    "ms",
    "Requests to the store, its own retries included",
    "operation, outcome",
  ],
  "fleet.store.charge": [
    "counter",
    "RU",
    "Request units that Cosmos DB says it charged",
    "operation, container",
  ],
} as const satisfies Record<string, readonly ["counter" | "histogram" | "gauge", string, string, string]>;

type MetricName = keyof typeof METRICS;
/** One measurement of one metric. */
type Measure = (name: MetricName, value: number, attributes: Attributes) => void;

/** A recorder whose instruments are `meter`'s. */
export function metricsRecorder(meter: Meter): Recorder {
  const instruments = new Map(
    Object.entries(METRICS).map(([name, how]) => [name, instrumentOf(meter, name, how)]),
  );
  const measure: Measure = (name, value, attributes) => instruments.get(name)?.(value, attributes);
  return {
    decision: (decision) => {
      measureDecision(measure, decision);
    },
    answered: (route, status, tookMs) => {
      measure("fleet.http.requests", 1, { route, status });
      measure("fleet.http.duration", tookMs, { route });
    },
    stored: (operation, outcome, tookMs) => {
      measure("fleet.store.duration", tookMs, { operation, outcome });
    },
    charged: (operation, container, requestUnits) => {
      measure("fleet.store.charge", requestUnits, { operation, container });
    },
  };
}

function instrumentOf(
  meter: Meter,
  name: string,
  [kind, unit, description]: (typeof METRICS)[MetricName],
): (value: number, attributes: Attributes) => void {
  const options = { unit, description };
  switch (kind) {
    case "counter": {
      const counter = meter.createCounter(name, options);
      return (value, attributes) => {
        counter.add(value, attributes);
      };
    }
    case "histogram": {
      const histogram = meter.createHistogram(name, options);
      return (value, attributes) => {
        histogram.record(value, attributes);
      };
    }
    case "gauge": {
      const gauge = meter.createGauge(name, options);
      return (value, attributes) => {
        gauge.record(value, attributes);
      };
    }
  }
}

/** Every decision has its place here; one without does not compile. */
function measureDecision(measure: Measure, told: Decision): void {
  switch (told.decision) {
    case "submitted":
      submission(measure, told.productId, "created");
      return;
    case "superseded":
    case "existing":
    case "outdated":
      submission(measure, told.productId, told.decision);
      return;
    case "refused":
      if (told.operation === "submit") submission(measure, told.productId, "refused");
      return;
    case "claimed":
      measure("fleet.claims", 1, { product: told.productId });
      measure("fleet.claim.latency", told.waitedMs, { product: told.productId });
      return;
    case "claim_empty":
      measure("fleet.claims.empty", 1, { product: told.productId, reason: told.reason });
      return;
    case "race_lost":
      measure("fleet.races.lost", told.races, { product: told.productId });
      return;
    case "write_conflict":
      measure("fleet.write.conflicts", told.conflicts, { product: told.productId });
      return;
    case "renewed":
      measure("fleet.renewals", 1, { product: told.productId });
      return;
    case "fenced": {
      const { productId: product, operation, reason } = told;
      measure("fleet.fences", 1, { product, operation, reason });
      return;
    }
    case "released":
    case "expired":
    case "retry_scheduled":
    case "failed":
    case "dead_lettered":
    case "shipped":
    case "cancelled":
    case "over_budget":
      measureEnd(measure, told);
      return;
    case "reaper_pass":
      measure("fleet.reaper.duration", told.tookMs, {});
      return;
    case "snapshot":
      measureSnapshot(measure, told);
      return;
    // Steps on the way, and what the HTTP answer's status says: a count of them would tell nobody anything.
    case "blocked":
    case "unblocked":
    case "stage_changed":
    case "checkpointed":
    case "redriven":
    case "artifact_added":
    case "claim_repeated":
    case "request_failed":
  }
}

function submission(measure: Measure, product: string, outcome: string): void {
  measure("fleet.submissions", 1, { product, outcome });
}

function measureEnd(measure: Measure, told: RunEnded): void {
  const product = told.productId;
  const expired = told.decision === "dead_lettered" && told.failure === "lease_expired";
  if (told.decision === "expired" || expired) measure("fleet.expiries", 1, { product });
  if (told.decision === "shipped") measure("fleet.ships", 1, { product });
  if (told.stage === "failed" || told.stage === "dead_letter")
    measure("fleet.failures", 1, { product, failure: told.failure ?? "other" });
  if (told.ranMs !== undefined) measure("fleet.run.duration", told.ranMs, { product, end: told.decision });
  if (told.costUsd !== undefined) measure("fleet.run.cost", told.costUsd, { product });
}

function measureSnapshot(measure: Measure, told: Snapshot): void {
  const product = told.productId;
  const { queued, blocked, assigned, building, review, testing } = told;
  for (const [stage, jobs] of Object.entries({ queued, blocked, assigned, building, review, testing })) {
    measure("fleet.jobs", jobs, { product, stage });
  }
  measure("fleet.queue.oldest", told.oldestQueuedSeconds, { product });
  measure("fleet.leases.live", told.liveLeases, { product });
}
