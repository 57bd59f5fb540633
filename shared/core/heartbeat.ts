/**
 * Heartbeat: a factory says that it lives, what it can do, and how busy it is. One document, created or
 * replaced; of two at once one is enough, since both are true. It exempts nobody: a lease runs out
 * however lively its factory is.
 */
import type { Factory } from "../schema/factory.js";
import type { Lease } from "../schema/lease.js";
import { PAGE_MAX, SCHEMA_VERSION } from "../schema/limits.js";
import { toInstant } from "../schema/primitives.js";
import type { HeartbeatRequest } from "../schema/requests.js";
import { afterWrite } from "./after-write.js";
import { backOff } from "./change-job.js";
import type { Fleet } from "./fleet.js";
import { isHeldBy } from "./lease-writes.js";
import { StoreThrottled } from "./ports/store.js";

/** Tries against other heartbeats of the same factory: more than two at once is a misuse. */
const HEARTBEAT_TRIES_MAX = 8;

/** Records the heartbeat. Answers the factory, and the leases that the coordinator believes it holds. */
export async function heartbeat(
  fleet: Fleet,
  productId: string,
  request: HeartbeatRequest,
): Promise<{ factory: Factory; leases: Lease[] }> {
  const factory = await record(fleet, productId, request);
  return { factory, leases: await afterWrite(() => leasesHeldBy(fleet, factory)) };
}

/** The leases of the epochs that the factory owns: one that a former epoch left behind is nobody's. */
async function leasesHeldBy(fleet: Fleet, { productId, factoryId }: Factory): Promise<Lease[]> {
  const jobs = await fleet.jobs.heldBy(productId, factoryId, PAGE_MAX);
  const leases = await Promise.all(jobs.map((job) => fleet.leases.get(job.id, job.id)));
  return leases.flatMap((lease, index) => {
    const leaseEpoch = jobs[index]?.leaseEpoch ?? 0;
    return isHeldBy(lease?.doc, { factoryId, leaseEpoch }) ? [lease.doc] : [];
  });
}

async function record(fleet: Fleet, productId: string, request: HeartbeatRequest): Promise<Factory> {
  const factory: Factory = {
    ...request,
    id: request.factoryId,
    productId,
    schemaVersion: SCHEMA_VERSION,
    lastHeartbeatAt: toInstant(fleet.clock.now()),
  };
  for (let attempt = 0; attempt < HEARTBEAT_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    const read = await fleet.factories.get(productId, request.factoryId);
    // Lost to one that came at the same moment or later: it stands, as if this one had come just before it.
    if (attempt > 0 && read !== undefined && read.doc.lastHeartbeatAt >= factory.lastHeartbeatAt)
      return read.doc;
    const outcome =
      read === undefined
        ? await fleet.factories.create(factory)
        : await fleet.factories.replaceIfMatch(read, factory);
    if (outcome.kind === "created" || outcome.kind === "replaced") return factory;
  }
  throw new StoreThrottled(1);
}

/** Whether the factory has been silent for too long to be trusted with a job. */
export function isStale(
  fleet: Pick<Fleet, "clock" | "rules">,
  factory: Pick<Factory, "lastHeartbeatAt">,
): boolean {
  return factory.lastHeartbeatAt < staleBefore(fleet);
}

/** Factories whose last heartbeat is older than this instant are stale. */
export function staleBefore(fleet: Pick<Fleet, "clock" | "rules">): string {
  return toInstant(fleet.clock.now() - fleet.rules.factoryStaleSeconds * 1000);
}
