/**
 * Heartbeat: a factory says that it lives, what it can do, and how busy it is. One document, created or
 * replaced; of two at once one is enough, since both are true. It exempts nobody: a lease runs out
 * however lively its factory is.
 */
import type { Factory } from "../schema/factory.js";
import type { Lease } from "../schema/lease.js";
import { FORMER_BOOTS_MAX, PAGE_MAX, SCHEMA_VERSION } from "../schema/limits.js";
import { toInstant } from "../schema/primitives.js";
import type { HeartbeatRequest } from "../schema/requests.js";
import { afterWrite } from "./after-write.js";
import { backOff } from "./change-job.js";
import type { Fleet } from "./fleet.js";
import { isHeldBy } from "./lease-writes.js";
import { StoreThrottled } from "./ports/store.js";
import { evict } from "./reap.js";

/** How long one heartbeat takes jobs back, in milliseconds. The next one goes on, and leases run out anyway. */
const EVICT_MS_MAX = 5000;
/** Tries against other heartbeats of the same factory: more than two at once is a misuse. */
const HEARTBEAT_TRIES_MAX = 8;

/**
 * Records the heartbeat. Answers the factory, and the leases that the coordinator believes it holds, after
 * what its former boots held was taken back. `former`: it is one of those that sent this, and it counts
 * for nothing.
 */
export async function heartbeat(
  fleet: Fleet,
  productId: string,
  request: HeartbeatRequest,
): Promise<{ kind: "recorded" | "former"; factory: Factory; leases: Lease[] }> {
  const recorded = await record(fleet, productId, request);
  if (recorded.kind === "former") return { ...recorded, leases: [] };
  const { factory } = recorded;
  return { ...recorded, leases: await afterWrite(() => leasesHeldBy(fleet, factory)) };
}

/**
 * The leases of the epochs that the factory owns: one that a former epoch left behind is nobody's. A job
 * that a former boot claimed is not held: it is taken back here, and by the next heartbeat if this one dies.
 */
async function leasesHeldBy(fleet: Fleet, factory: Factory): Promise<Lease[]> {
  const { productId, factoryId, formerBootIds = [] } = factory;
  const held = await fleet.jobs.heldBy(productId, factoryId, PAGE_MAX);
  const isOver = (bootId: string | undefined): bootId is string =>
    bootId !== undefined && formerBootIds.includes(bootId);
  const untilMs = fleet.clock.now() + EVICT_MS_MAX;
  for (const { id, bootId } of held)
    if (isOver(bootId) && fleet.clock.now() < untilMs) await evict(fleet, productId, id, bootId);
  const jobs = held.filter(({ bootId }) => !isOver(bootId));
  const leases = await Promise.all(jobs.map((job) => fleet.leases.get(job.id, job.id)));
  return leases.flatMap((lease, index) => {
    const leaseEpoch = jobs[index]?.leaseEpoch ?? 0;
    return isHeldBy(lease?.doc, { factoryId, leaseEpoch }) ? [lease.doc] : [];
  });
}

async function record(
  fleet: Fleet,
  productId: string,
  request: HeartbeatRequest,
): Promise<{ kind: "recorded" | "former"; factory: Factory }> {
  const reported: Factory = {
    ...request,
    id: request.factoryId,
    productId,
    schemaVersion: SCHEMA_VERSION,
    lastHeartbeatAt: toInstant(fleet.clock.now()),
  };
  for (let attempt = 0; attempt < HEARTBEAT_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    const read = await fleet.factories.get(productId, request.factoryId);
    if (read !== undefined && isFormerBoot(read.doc, request.bootId))
      return { kind: "former", factory: read.doc };
    // Lost to one that came at the same moment or later: it stands, as if this one had come just before it.
    const later = attempt > 0 && read !== undefined && read.doc.lastHeartbeatAt >= reported.lastHeartbeatAt;
    if (later && read.doc.bootId === request.bootId) return { kind: "recorded", factory: read.doc };
    const factory = { ...reported, ...boots(read?.doc, request.bootId) };
    const outcome =
      read === undefined
        ? await fleet.factories.create(factory)
        : await fleet.factories.replaceIfMatch(read, factory);
    if (outcome.kind === "created" || outcome.kind === "replaced") return { kind: "recorded", factory };
  }
  throw new StoreThrottled(1);
}

function isFormerBoot({ formerBootIds }: Factory, bootId: string | undefined): boolean {
  return bootId !== undefined && formerBootIds?.includes(bootId) === true;
}

/** The boot that reports now, and those that are over. A heartbeat that names none says nothing of that. */
function boots(
  known: Factory | undefined,
  bootId: string | undefined,
): Pick<Factory, "bootId" | "formerBootIds"> {
  const { bootId: knownBoot, formerBootIds = [] } = known ?? {};
  const now = bootId ?? knownBoot;
  const over =
    knownBoot === undefined || knownBoot === now
      ? formerBootIds
      : [...formerBootIds, knownBoot].slice(-FORMER_BOOTS_MAX);
  return {
    ...(now === undefined ? {} : { bootId: now }),
    ...(over.length === 0 ? {} : { formerBootIds: over }),
  };
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
