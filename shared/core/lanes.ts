/**
 * Lanes: the queue of a product, one for each set of requirements. Jobs that ask for the same stand in the
 * same lane, in the order of the queue, so a claim looks at the heads of the lanes that its factory
 * satisfies, and never at a job that it can't take, however many of those are in front.
 *
 * A job's lane is registered before the job is written: what no claim looks at would wait for ever. Lanes
 * are only added, so whoever has seen one need not look again.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | L1 the product's lanes, under their etag: with the job's | a lane without jobs, which costs a claim one look |
 * | L2 the job, in its lane (submit) | – |
 *
 * Jobs that were queued by a version without lanes have none. The sweep puts them into theirs: L1, then the job
 * under the etag that was read. If it dies in between, the next pass finds the job again. It makes no event: what
 * the job is, and who may take it, stays.
 */
import type { Factory } from "../schema/factory.js";
import type { Job } from "../schema/job.js";
import { OPEN_LANE } from "../schema/lane.js";
import type { Lanes, Requirements } from "../schema/lane.js";
import { LANES_CHARS_MAX, LANES_MAX, SCHEMA_VERSION } from "../schema/limits.js";
import { isQueued } from "./advance.js";
import { backOff, changeJob, operation } from "./change-job.js";
import type { Fleet } from "./fleet.js";
import { hashJson } from "./hash.js";
import { StoreThrottled, StoreUnavailable } from "./ports/store.js";
import type { Stored } from "./ports/store.js";
import { remember } from "./remember.js";
import { LANES_ID } from "./repositories/lanes.js";

/** Tries against others that register lanes at the same time: of 20 at once the last needs about 20. */
const REGISTER_TRIES_MAX = 40;
/** Products whose lanes an instance remembers; past that the oldest memory goes, and is read again. */
const PRODUCTS_MAX = 1000;

/** The name of the lane for these requirements: the same for the same set, in whatever order it was given. */
export function laneOf({ capabilities, engineClass }: Requirements): string {
  if (capabilities.length === 0 && engineClass === undefined) return OPEN_LANE;
  // 132 bits, as short as they can be: each job document and index entry has it.
  return `l${hashJson([[...new Set(capabilities)].sort(), engineClass ?? null]).slice(0, 22)}`;
}

/**
 * Registers the lane of a job that is about to be written. `too_many`: the product has as many as it may
 * have. Throws what the store throws; nothing else was written then.
 */
export async function ensureLane(
  fleet: Fleet,
  productId: string,
  wanted: Requirements,
): Promise<"there" | "too_many"> {
  const lane = laneOf(wanted);
  if (lane === OPEN_LANE || fleet.knownLanes.get(productId)?.has(lane) === true) return "there";
  for (let attempt = 0; attempt < REGISTER_TRIES_MAX; attempt++) {
    if (attempt > 0) await backOff(fleet, attempt);
    const read = await readLanes(fleet, productId);
    if (read?.doc.lanes[lane] !== undefined) return "there";
    const { capabilities, engineClass } = wanted;
    const next: Lanes = {
      ...(read?.doc ?? { id: LANES_ID, productId, schemaVersion: SCHEMA_VERSION }),
      lanes: {
        ...read?.doc.lanes,
        [lane]: {
          capabilities: capabilities.toSorted(),
          ...(engineClass === undefined ? {} : { engineClass }),
        },
      },
    };
    if (isFull(next)) return "too_many";
    await write(fleet, read, next);
  }
  throw new StoreThrottled(1, new Error(`${REGISTER_TRIES_MAX} tries lost on the lanes of ${productId}`));
}

/** The lanes of a product, as they are. What is read is remembered, for those who only ask whether one is there. */
export async function readLanes(fleet: Fleet, productId: string): Promise<Stored<Lanes> | undefined> {
  const read = await fleet.lanes.get(productId, LANES_ID);
  const known = new Set(Object.keys(read?.doc.lanes ?? {}));
  remember(fleet.knownLanes, productId, known, PRODUCTS_MAX);
  return read;
}

/** The lanes whose jobs this factory can take. */
export function lanesFor(
  lanes: Lanes | undefined,
  factory: Pick<Factory, "capabilities" | "engines">,
): string[] {
  const satisfied = Object.entries(lanes?.lanes ?? {}).filter(([, asked]) => satisfies(factory, asked));
  return [OPEN_LANE, ...satisfied.map(([lane]) => lane)];
}

/** Whether the factory has all that is asked for. */
export function satisfies(
  factory: Pick<Factory, "capabilities" | "engines">,
  { capabilities, engineClass }: Requirements,
): boolean {
  return (
    capabilities.every((capability) => factory.capabilities.includes(capability)) &&
    (engineClass === undefined || factory.engines.includes(engineClass))
  );
}

/** Puts a queued job into its lane that was queued without one, by a version that had none. Repeatable. */
export async function adopt(fleet: Fleet, job: Pick<Job, "id" | "productId">): Promise<void> {
  const read = await fleet.jobs.get(job.productId, job.id);
  if (read === undefined || read.doc.lane !== undefined) return;
  if ((await ensureLane(fleet, job.productId, read.doc)) === "too_many") {
    fleet.log.warn(`job ${job.id} has no lane: its product has as many as it may have`);
    return;
  }
  await changeJob<undefined>(fleet, {
    productId: job.productId,
    jobId: job.id,
    operation: operation(fleet, { route: "adopt" }, {}),
    known: read,
    storeEvents: "when_half_full",
    judge: (now) =>
      isQueued(now) && now.lane === undefined && laneOf(now) === laneOf(read.doc)
        ? { kind: "write", next: { ...now, lane: laneOf(now) }, answer: undefined }
        : { kind: "settled", answer: undefined },
    repeated: () => undefined,
  });
}

/** One document, read by each claim: it must stay small, and far below what a document may be. */
function isFull(next: Lanes): boolean {
  return Object.keys(next.lanes).length > LANES_MAX || JSON.stringify(next).length > LANES_CHARS_MAX;
}

/** Whether it happened shows when it is read again. */
async function write(fleet: Fleet, read: Stored<Lanes> | undefined, next: Lanes): Promise<void> {
  try {
    if (read === undefined) await fleet.lanes.create(next);
    else await fleet.lanes.replaceIfMatch(read, next);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
}
