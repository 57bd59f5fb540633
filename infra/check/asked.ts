/**
 * What the code asks of its containers, found by asking: every query of every repository runs against a
 * store that only writes down what it was asked. A query that is new has no sample below, and does not compile.
 */
import type { Condition, Order, Page, Query, Store } from "../../shared/core/ports/store.js";
import { artifactRepository } from "../../shared/core/repositories/artifacts.js";
import { eventRepository } from "../../shared/core/repositories/events.js";
import { factoryRepository } from "../../shared/core/repositories/factories.js";
import { jobRepository } from "../../shared/core/repositories/jobs.js";
import { leaseRepository } from "../../shared/core/repositories/leases.js";
import { profileRepository } from "../../shared/core/repositories/profiles.js";
import { runRepository } from "../../shared/core/repositories/runs.js";
import { totalsRepository } from "../../shared/core/repositories/totals.js";
import type { ContainerName } from "../../shared/schema/containers.js";

/** One query of the code. `partition` is the partition key's path, absent where every partition is asked. */
export interface Asked {
  readonly container: ContainerName;
  readonly partition?: string;
  readonly where: readonly Condition[];
  /** Empty for a count. */
  readonly orderBy: readonly Order[];
}

/** Operations on one document need no index. */
type Points = "create" | "get" | "getByKey" | "getBySeq" | "append" | "replaceIfMatch" | "deleteIfMatch";
type Method = (...given: never[]) => Promise<unknown>;
/** Arguments for each query of a repository: one list of them per way the query can differ. */
type Samples<R extends Record<keyof R, Method>> = {
  readonly [M in Exclude<keyof R, Points>]: readonly Parameters<R[M]>[];
};

// A partition's sample is the path of its key, so that what is written down says which key was meant.
const product = "/productId";
const job = "/jobId";
const at = "2026-01-01T00:00:00.000Z";

const ofJobs: Samples<ReturnType<typeof jobRepository>> = {
  list: [[product, { stage: "queued", parentId: "p" }, 1]],
  candidates: [[product, "l", at, 1]],
  waiting: [[product, at, 1]],
  oldestQueued: [[product, 0]],
  countByStage: [[product, "queued"]],
  countInLane: [[product, "l"]],
  countChildren: [[product, "p", "queued"]],
  nextProduct: [[""]],
  countHeldBy: [[product, "f"]],
  heldBy: [[product, "f", 1]],
  claimedBy: [[product, "c"]],
  blockedOn: [
    [product, "d", "all", 1],
    [product, "d", "soft", 1],
  ],
  ownedOf: [[product, "", 1]],
  sweep: [
    ["owned", "", 1],
    ["blocked", "", 1],
    ["dirty", "", 1],
    ["unlaned", "", 1],
  ],
  endedBefore: [["shipped", at, 1]],
};
const ofRuns: Samples<ReturnType<typeof runRepository>> = {
  list: [[job, 1]],
  sweepOpen: [["", 1]],
  sweepUncounted: [["", 1]],
};
const ofLeases: Samples<ReturnType<typeof leaseRepository>> = { overdue: [[at, 1]] };
const ofFactories: Samples<ReturnType<typeof factoryRepository>> = {
  list: [[product, 1]],
  countSilentSince: [[product, at]],
  count: [[product]],
};
const ofProfiles: Samples<ReturnType<typeof profileRepository>> = {
  latest: [[product, "n"]],
  withContent: [[product, "n", "h"]],
  list: [
    [product, undefined, 1],
    [product, "n", 1],
  ],
};
const ofEvents: Samples<ReturnType<typeof eventRepository>> = { list: [[job, 1]] };
const ofArtifacts: Samples<ReturnType<typeof artifactRepository>> = { list: [[job, 1]] };

const ofTotals: Samples<ReturnType<typeof totalsRepository>> = { list: [[product, 1]] };

/** Every query that the code makes. */
export async function everythingAsked(): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  const store = recording(asked);
  await ask(jobRepository(store), ofJobs);
  await ask(runRepository(store), ofRuns);
  await ask(leaseRepository(store), ofLeases);
  await ask(factoryRepository(store), ofFactories);
  await ask(profileRepository(store), ofProfiles);
  await ask(eventRepository(store), ofEvents);
  await ask(artifactRepository(store), ofArtifacts);
  await ask(totalsRepository(store), ofTotals);
  return asked;
}

async function ask<R extends Record<keyof R, Method>>(repository: R, samples: Samples<R>): Promise<void> {
  for (const [name, calls] of Object.entries<readonly unknown[][]>(samples)) {
    const method: Method = repository[name as keyof R];
    // Samples<R> has each method's own parameters; a loop over all of them can't say so.
    for (const given of calls) await method(...(given as never[]));
  }
}

function recording(asked: Asked[]): Store {
  const nothing: Page<never> = { value: [], more: false };
  const note = (container: ContainerName, { where, orderBy }: Query, partition?: string): Page<never> => {
    asked.push({ container, where, orderBy, ...(partition !== undefined && { partition }) });
    return nothing;
  };
  const point = (): Promise<never> => Promise.reject(new Error("no sample touches a single document"));
  return {
    create: point,
    read: point,
    replaceIfMatch: point,
    deleteIfMatch: point,
    ping: point,
    query: (container, partition, query) => Promise.resolve(note(container, query, partition)),
    queryEveryPartition: (container, query) => Promise.resolve(note(container, query)),
    count: (container, partition, where) => {
      asked.push({ container, partition, where, orderBy: [] });
      return Promise.resolve(0);
    },
  };
}
