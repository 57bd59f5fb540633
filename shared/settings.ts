/**
 * The environment as typed settings, or every problem in it at once.
 *
 * Pure: it takes the variables and touches nothing. A problem names the variable and what it must be,
 * never the value it has, for a value may be a secret. An empty variable counts as not set.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import { readSchedule } from "./schedule.js";
import { LEASE_SECONDS_MAX, LEASE_SECONDS_MIN } from "./schema/limits.js";
import type { Issuer } from "./auth/callers.js";
import { entra, entraOf } from "./settings-entra.js";
import { apiKeys } from "./settings-keys.js";
import type { ApiKey } from "./settings-keys.js";
import { text } from "./settings-text.js";
import { blobs, blobsOf } from "./settings-blobs.js";
import type { BlobSettings } from "./settings-blobs.js";
import { monitoring, monitoringOf } from "./settings-monitoring.js";
import type { MonitoringSettings } from "./settings-monitoring.js";

/** Silence of a factory, in seconds: after a day of it nobody would call the factory fresh. */
const STALE_SECONDS_MAX = 86_400;
/** Skew between instances, in seconds: it delays every recovery, and a clock a minute off is broken. */
const SKEW_SECONDS_MAX = 60;
/** Days that the history of a final job is kept: ten years, beyond which nobody means to delete it. */
const RETENTION_DAYS_MAX = 3650;
/** Requests of one credential at a time: an instance that had so many under way would be out of memory. */
const REQUESTS_PER_CREDENTIAL_LIMIT = 10_000;
/** Jobs that wait in one product: above it the setting bounds nothing. */
const QUEUED_JOBS_LIMIT = 10_000_000;
/** Problems reported of a thousand keys: the first few tell what is wrong with the rest. */
const PROBLEMS_MAX = 20;

type Environment = Readonly<Record<string, string | undefined>>;

export type StoreSettings =
  | { readonly provider: "memory" }
  | { readonly provider: "sqlite"; readonly path: string }
  /** `key` is given for an emulator only; without it the managed identity. */
  | {
      readonly provider: "cosmos";
      readonly endpoint: string;
      readonly database: string;
      readonly key?: string;
    };

export interface Settings {
  readonly store: StoreSettings;
  /** At least one, unless there is `entra`. */
  readonly apiKeys: readonly ApiKey[];
  /** Absent: access tokens are off. */
  readonly entra?: Issuer;
  /** Whether the platform's function keys guard the routes as well. */
  readonly functionKeys: "required" | "off";
  readonly leaseSeconds: number;
  readonly factoryStaleSeconds: number;
  readonly clockSkewSecondsMax: number;
  /** After so many days a final job loses its content and history. 0: never. */
  readonly retentionDays: number;
  /** Requests of one credential under way at a time, on each instance. 0: no bound. */
  readonly requestsPerCredentialMax: number;
  /** Jobs of one product that may wait, queued and blocked. 0: no bound. */
  readonly queuedJobsMax: number;
  /** NCRONTAB, or hh:mm:ss; schedule.ts reads it. */
  readonly reaperSchedule: string;
  /** Absent: nothing is sent anywhere, and nothing of it is loaded. */
  readonly monitoring?: MonitoringSettings;
  /** Absent: artifacts are refused. */
  readonly blobs?: BlobSettings;
  /** Where `npm start` listens; 0 is any free port. */
  readonly port: number;
  /** Where `npm start` keeps its data. */
  readonly fleetDir: string;
}

/** A setting that is missing, malformed or contradicts another; `message` never holds a value. */
export interface SettingsProblem {
  readonly name: string;
  readonly message: string;
}

export type SettingsOutcome =
  | { readonly kind: "ok"; readonly settings: Settings }
  | { readonly kind: "wrong"; readonly problems: readonly SettingsProblem[] };

/** A whole number written in digits: "1e3", "0x10" and " 5" are surprises, not numbers. */
function wholeNumber(min: number, max: number, fallback: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  const number = text(/^\d{1,9}$/, error).transform(Number);
  return number.pipe(z.number().min(min, error).max(max, error)).default(fallback);
}

const path = text(/^[^\0]*[^\0\s][^\0]*$/, "must be a path");

/** What is read whatever the store. */
export const common = z.object({
  FLEET_API_KEYS: apiKeys,
  FUNCTION_KEYS: z.enum(["required", "off"], "must be required or off").default("required"),
  LEASE_SECONDS: wholeNumber(LEASE_SECONDS_MIN, LEASE_SECONDS_MAX, 90),
  FACTORY_STALE_SECONDS: wholeNumber(1, STALE_SECONDS_MAX, 120),
  CLOCK_SKEW_SECONDS_MAX: wholeNumber(0, SKEW_SECONDS_MAX, 2),
  RETENTION_DAYS: wholeNumber(0, RETENTION_DAYS_MAX, 0),
  REQUESTS_PER_CREDENTIAL_MAX: wholeNumber(0, REQUESTS_PER_CREDENTIAL_LIMIT, 100),
  QUEUED_JOBS_MAX: wholeNumber(0, QUEUED_JOBS_LIMIT, 0),
  REAPER_SCHEDULE: z.string().refine(readSchedule, "must be NCRONTAB or hh:mm:ss").default("*/30 * * * * *"),
  PORT: wholeNumber(0, 65_535, 7071),
  FLEET_DIR: path.optional(),
});
/** The same where access tokens let callers in, so that keys may be left out. */
const withTokens = common.extend({ FLEET_API_KEYS: apiKeys.default([]) });

const url = text(/^https?:\/\/[^/?#@\s]+\/?$/, "must be an http or https URL of a host");
const endpoint = url.refine((given) => URL.canParse(given), { error: "must be a URL", abort: true });
const memory = z.object({ DB_PROVIDER: z.literal("memory") });
const sqlite = z.object({
  DB_PROVIDER: z.literal("sqlite"),
  SQLITE_PATH: path.refine((file) => file !== ":memory:", "must be a file").optional(),
});
const account = /\.documents\.azure\.[a-z]+$/;
/** What is read with the store in Azure. */
export const cosmos = z
  .object({
    DB_PROVIDER: z.literal("cosmos"),
    COSMOS_ENDPOINT: endpoint,
    COSMOS_DATABASE: text(/^[^/\\?#\s]{1,255}$/, "must be a database name").default("fleet"),
    COSMOS_KEY: text(/^[A-Za-z0-9+/]+={0,2}$/, "must be base64").optional(),
  })
  .refine((given) => given.COSMOS_KEY !== undefined || given.COSMOS_ENDPOINT.startsWith("https:"), {
    path: ["COSMOS_ENDPOINT"],
    error: "must be https: only an emulator, which needs COSMOS_KEY, is reached over http",
  })
  // With a key the account's consistency is not checked, which no real account may escape.
  .refine(
    (given) => given.COSMOS_KEY === undefined || !account.test(new URL(given.COSMOS_ENDPOINT).hostname),
    {
      path: ["COSMOS_KEY"],
      error: "must not be set: it is for an emulator, and COSMOS_ENDPOINT is an account",
    },
  );
const providers = [memory, sqlite, cosmos] as const;
const provider = z.discriminatedUnion("DB_PROVIDER", providers, "must be memory, sqlite or cosmos");

/** Typed settings, or every problem found. Reads only the variables of the contract's table. */
export function readSettings(env: Environment): SettingsOutcome {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const store = provider.safeParse(given);
  const tokens = entra.safeParse(given);
  const rest = (given["ENTRA_TENANT_ID"] === undefined ? common : withTokens).safeParse(given);
  const watch = monitoring.safeParse(given);
  const bytes = blobs.safeParse(given);
  if (!store.success || !rest.success || !watch.success || !bytes.success || !tokens.success) {
    const errors = [store.error, rest.error, tokens.error, watch.error, bytes.error];
    return { kind: "wrong", problems: errors.flatMap((error) => problemsOf(error)) };
  }
  const fleetDir = fleetDirOf(given);
  const settings = {
    store: storeOf(store.data, fleetDir),
    apiKeys: rest.data.FLEET_API_KEYS,
    ...entraOf(tokens.data),
    functionKeys: rest.data.FUNCTION_KEYS,
    leaseSeconds: rest.data.LEASE_SECONDS,
    factoryStaleSeconds: rest.data.FACTORY_STALE_SECONDS,
    clockSkewSecondsMax: rest.data.CLOCK_SKEW_SECONDS_MAX,
    retentionDays: rest.data.RETENTION_DAYS,
    requestsPerCredentialMax: rest.data.REQUESTS_PER_CREDENTIAL_MAX,
    queuedJobsMax: rest.data.QUEUED_JOBS_MAX,
    reaperSchedule: rest.data.REAPER_SCHEDULE,
    ...monitoringOf(watch.data),
    ...blobsOf(bytes.data),
    port: rest.data.PORT,
    fleetDir,
  };
  return { kind: "ok", settings };
}

/** Where `npm start` keeps its data: `FLEET_DIR`, else the folder of `SQLITE_PATH`, else `.fleet`. */
export function fleetDirOf({ FLEET_DIR: folder, SQLITE_PATH: file }: Environment): string {
  return folder || (file ? dirname(file) : ".fleet");
}

function storeOf(given: z.infer<typeof provider>, fleetDir: string): StoreSettings {
  if (given.DB_PROVIDER === "memory") return { provider: "memory" };
  if (given.DB_PROVIDER === "sqlite") {
    return { provider: "sqlite", path: given.SQLITE_PATH ?? join(fleetDir, "fleet.db") };
  }
  const { COSMOS_ENDPOINT: endpoint, COSMOS_DATABASE: database, COSMOS_KEY: key } = given;
  return { provider: "cosmos", endpoint, database, ...(key !== undefined && { key }) };
}

/** What is wrong, and where; a property that is not known stays unnamed, for it is part of the value. */
export function problemsOf(error: z.ZodError | undefined): readonly SettingsProblem[] {
  const issues = error?.issues.slice(0, PROBLEMS_MAX) ?? [];
  return issues.map(({ code, message, path: [name, ...within] }) => {
    const said = code === "unrecognized_keys" ? "must not have a property that is not known" : message;
    return { name: String(name), message: [...within.map(String), said].join(" ") };
  });
}
