/**
 * The composition root: the environment is read here and nowhere else, the clients are made here, and
 * every function is registered here. Nothing before the last registration reaches out or throws: an
 * app that fails to load has no functions, and nobody to say why.
 */
import { app } from "@azure/functions";
import type { Issuer, Tokens } from "../shared/auth/callers.js";
import { lazyTokens } from "../shared/auth/lazy-tokens.js";
import { connect } from "../shared/core/fleet.js";
import type { Blobs } from "../shared/core/ports/blobs.js";
import type { Recorder } from "../shared/core/ports/recorder.js";
import type { Log } from "../shared/core/ports/runtime.js";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../shared/core/ports/store.js";
import type { Store } from "../shared/core/ports/store.js";
import { readSettings } from "../shared/settings.js";
import type { Settings, SettingsProblem, StoreSettings } from "../shared/settings.js";
import type { BlobSettings } from "../shared/settings-blobs.js";
import { lazyBlobs } from "../shared/store/lazy-blobs.js";
import { lazyMonitoring } from "../shared/telemetry/lazy-monitoring.js";
import type { LazyMonitoring } from "../shared/telemetry/lazy-monitoring.js";
import { timedStore } from "../shared/telemetry/timed-store.js";
import { systemClock, systemIds, systemPause, systemRandom } from "../shared/system.js";
import { addArtifact } from "./add-artifact.js";
import { bulkJobs } from "./bulk-jobs.js";
import { cancelJob } from "./cancel-job.js";
import { claim } from "./claim.js";
import { getFactory } from "./get-factory.js";
import { getJob } from "./get-job.js";
import { getProfile } from "./get-profile.js";
import { health } from "./health.js";
import { heartbeat } from "./heartbeat.js";
import { inFlight } from "./http/in-flight.js";
import { handlerOf, openHandler } from "./http/pipeline.js";
import type { Backend } from "./http/pipeline.js";
import type { Route } from "./http/route.js";
import { listArtifacts } from "./list-artifacts.js";
import { listEvents } from "./list-events.js";
import { listFactories } from "./list-factories.js";
import { listJobs } from "./list-jobs.js";
import { listProfiles } from "./list-profiles.js";
import { listRuns } from "./list-runs.js";
import { openapi } from "./openapi.js";
import { patchJob } from "./patch-job.js";
import { putProfile } from "./put-profile.js";
import { reaperOf } from "./reaper.js";
import { redriveJob } from "./redrive-job.js";
import { releaseLease } from "./release-lease.js";
import { renewLease } from "./renew-lease.js";
import { stats } from "./stats.js";
import { submitBatch } from "./submit-batch.js";
import { submitJob } from "./submit-job.js";
import { unknownPath } from "./unknown-path.js";

/** Every route of the contract that this version has. */
const routes: readonly Route[] = [
  submitJob,
  submitBatch,
  listJobs,
  getJob,
  patchJob,
  cancelJob,
  redriveJob,
  bulkJobs,
  claim,
  renewLease,
  releaseLease,
  heartbeat,
  listRuns,
  listEvents,
  listArtifacts,
  addArtifact,
  listFactories,
  getFactory,
  putProfile,
  getProfile,
  listProfiles,
  stats,
  health,
  openapi,
];

/** The contract's default, for when the settings can't be read. */
const REAPER_SCHEDULE = "*/30 * * * * *";

type Instance = Backend & { close(): Promise<void> };

const COMMON = { clock: systemClock(), ids: systemIds, pause: systemPause, routes };
/** What an operation says outside any invocation: nothing does. */
const SILENT: Log = {
  decision: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const read = readSettings(process.env);
const backend = read.kind === "ok" ? working(read.settings) : misconfigured(read.problems);
const authLevel = read.kind === "ok" && read.settings.functionKeys === "off" ? "anonymous" : "function";

for (const route of routes) {
  app.http(route.name, {
    methods: [route.method],
    // Whoever looks after the app, and whoever reads what it offers, has no key.
    authLevel: route.role === "anyone" ? "anonymous" : authLevel,
    route: route.path.slice(1),
    handler: handlerOf(route, backend),
  });
}
app.http(unknownPath.name, {
  methods: [...unknownPath.methods],
  authLevel: "anonymous",
  route: unknownPath.path.slice(1),
  handler: openHandler(backend, unknownPath.handle),
});
app.timer("reaper", {
  schedule: read.kind === "ok" ? read.settings.reaperSchedule : REAPER_SCHEDULE,
  handler: reaperOf(backend),
});
app.hook.appTerminate(() => backend.close());

/** What the routes stand on when the settings are right. The store is opened by the first who needs it. */
function working(settings: Settings): Instance {
  const monitoring = monitoringFor(settings);
  const store = lazily(() => openStore(settings.store, monitoring));
  const { clock } = COMMON;
  const blobs = settings.blobs && blobsIn(settings.blobs);
  const fleet = lazily(async () => {
    const system = { clock, ids: systemIds, random: systemRandom, pause: systemPause };
    const opened = await store.get();
    const timed = monitoring === undefined ? opened : timedStore(opened, clock, monitoring);
    const stores = { store: timed, ...(blobs === undefined ? {} : { blobs }) };
    return connect({ ...system, ...stores, log: SILENT }, settings);
  });
  return {
    ...COMMON,
    misconfigured: undefined,
    credentials: settings.apiKeys,
    inFlight: inFlight(settings.requestsPerCredentialMax, systemPause),
    ...(settings.entra === undefined ? {} : { tokens: tokensOf(settings.entra) }),
    ...(monitoring === undefined ? {} : { recorder: monitoring }),
    // Each invocation logs under its own name; all else is shared.
    fleet: async (log) => {
      const trouble = monitoring?.trouble();
      if (trouble !== undefined) log.error(trouble);
      return { ...(await fleet.get()), log };
    },
    close: async () => {
      await monitoring?.close();
      const opened = await store.opened();
      opened?.close();
    },
  };
}

/** The same when they are wrong: every request is told so, before it comes to ask for the fleet. */
function misconfigured(problems: readonly SettingsProblem[]): Instance {
  return {
    ...COMMON,
    misconfigured: problems.map(({ name, message }) => `${name} ${message}`).join("; "),
    credentials: [],
    fleet: () => Promise.reject(new Error("the settings are wrong")),
    close: () => Promise.resolve(),
  };
}

/** Adapters are loaded when they are needed: a laptop has no use for an SDK, nor the cloud for SQLite. */
async function openStore(
  settings: StoreSettings,
  recorder: Recorder | undefined,
): Promise<Store & { close(): void }> {
  if (settings.provider === "cosmos") {
    const { endpoint, database, key } = settings;
    const { openCosmosStore } = await import("../shared/store/cosmos-store.js");
    const credential = key === undefined ? await credentialOfIdentity() : ({ kind: "key", key } as const);
    const charged = recorder && recorder.charged.bind(recorder);
    // Its connections end with the process.
    return { ...openCosmosStore({ endpoint, database, credential, charged }), close: () => undefined };
  }
  const { openSqliteStore } = await import("../shared/store/sqlite-store.js");
  try {
    return openSqliteStore({ path: settings.provider === "memory" ? ":memory:" : settings.path });
  } catch (error) {
    if (error instanceof StoreThrottled || error instanceof StoreUnavailable) throw error;
    throw new StoreMisconfigured("SQLITE_PATH must name a database file that this version can open", error);
  }
}

/** The place of artifacts, opened by the first call that is about one. */
function blobsIn(place: BlobSettings): Blobs {
  const opened = lazily(async () => {
    const { openBlobArtifacts } = await import("../shared/store/blob-artifacts.js");
    const { clock } = COMMON;
    if (place.kind === "emulator") return openBlobArtifacts({ place, clock });
    return openBlobArtifacts({ place: { ...place, credential: await identityOf() }, clock });
  });
  return lazyBlobs(() => opened.get());
}

/** Access tokens of one tenant; the keys that they are checked with are fetched by the first of them. */
function tokensOf(issuer: Issuer): Tokens {
  const opened = lazily(async () => {
    const { entraTokens } = await import("../shared/auth/entra.js");
    return entraTokens(issuer, COMMON.clock);
  });
  return lazyTokens(() => opened.get());
}

/** Loaded only where it is asked for, and then beside the first requests: it takes a second. */
function monitoringFor({ monitoring }: Settings): LazyMonitoring | undefined {
  if (monitoring === undefined) return undefined;
  const { connectionString, identity } = monitoring;
  const load = async () => {
    const { startMonitoring } = await import("../shared/telemetry/azure-monitor.js");
    return startMonitoring(connectionString, identity && (await identityOf(identity.clientId)));
  };
  return lazyMonitoring(load, systemPause);
}

async function credentialOfIdentity() {
  return { kind: "identity", credential: await identityOf() } as const;
}

/** Whoever runs the app: `clientId` tells which of its identities, where it has several. */
async function identityOf(clientId?: string) {
  const { managedIdentity } = await import("../shared/store/managed-identity.js");
  return managedIdentity(clientId);
}

/** Made once, by the first who asks, and shared by all who come meanwhile. After a failure the next one tries again. */
function lazily<T>(make: () => Promise<T>): { get(): Promise<T>; opened(): Promise<T | undefined> } {
  let made: Promise<T> | undefined;
  return {
    get: () =>
      (made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      })),
    opened: async () => made?.catch(() => undefined),
  };
}
