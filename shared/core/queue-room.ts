/**
 * A bound on the jobs of one product that wait, queued and blocked: `queuedJobsMax`, 0 for none. It keeps one
 * product from filling the store, and the queries that all products share, with work that nobody does.
 *
 * Waiting jobs are counted at most every `COUNT_MS`, by whoever comes next; in between an instance adds its own
 * submissions. So the bound is exact for one instance that alone submits. Beside others it may be passed by
 * what they submit within `COUNT_MS`, and a queue that was full is found to have room as much later. A count
 * with each submission would cost a round trip, and still be a race: nothing here spans two documents.
 *
 * Only what is added from outside is bounded. A job that is released, retried, or whose factory died has its
 * place in the queue whatever is there: refusing it would lose it.
 */
import type { Fleet } from "./fleet.js";
import type { QueueRoom } from "./memory.js";
import { remember } from "./remember.js";

/** How long a count is good for, in milliseconds: two counts of a long queue are some 10 request units. */
const COUNT_MS = 5000;
/** Products remembered: far more than are at work on one instance at a time. */
const PRODUCTS_MAX = 1000;

export interface QueueFull {
  readonly kind: "queue_full";
  /** Until the waiting jobs are counted again. */
  readonly retryAfterSeconds: number;
}

/**
 * Does work that may make one more job wait, with room held for it; or with `full` where there is none, when
 * it must add none. `added` tells whether an answer says that it did. Throws what counting throws: nothing
 * was done then.
 */
export async function withRoom<T>(
  fleet: Fleet,
  productId: string,
  work: (full?: QueueFull) => Promise<T>,
  added: (answer: T) => boolean,
): Promise<T> {
  const max = fleet.rules.queuedJobsMax;
  if (max === 0) return work();
  const room = await countedRoom(fleet, productId);
  if (room.counted + room.added + room.underWay >= max) {
    const waitMs = room.countedAtMs + COUNT_MS - fleet.clock.now();
    return work({ kind: "queue_full", retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });
  }
  room.underWay++;
  // Where it throws, nobody knows: until the next count it counts as a job.
  let mayWait = true;
  try {
    const answer = await work();
    mayWait = added(answer);
    return answer;
  } finally {
    room.underWay--;
    if (mayWait) room.added++;
  }
}

/** Whether the job is there already, so that whoever submits it adds none. */
export async function isThere(fleet: Fleet, productId: string, jobId: string): Promise<boolean> {
  return (await fleet.jobs.get(productId, jobId)) !== undefined;
}

/** What is known now, for a rehearsal: what it adds stays with it. */
export function copyOfRooms(rooms: ReadonlyMap<string, QueueRoom>): Map<string, QueueRoom> {
  return new Map([...rooms].map(([productId, room]) => [productId, { ...room }]));
}

async function countedRoom(fleet: Fleet, productId: string): Promise<QueueRoom> {
  const nowMs = fleet.clock.now();
  let room = fleet.queueRooms.get(productId);
  if (room === undefined) {
    room = { counted: 0, countedAtMs: -Infinity, added: 0, underWay: 0, counting: undefined };
    remember(fleet.queueRooms, productId, room, PRODUCTS_MAX);
  }
  // One that lies ahead was made before the clock was set back.
  if (room.countedAtMs <= nowMs && nowMs < room.countedAtMs + COUNT_MS) return room;
  room.counting ??= count(fleet, productId, room, nowMs);
  await room.counting;
  return room;
}

/** What ends while it counts may be counted twice, and never not at all. */
async function count(fleet: Fleet, productId: string, room: QueueRoom, nowMs: number): Promise<void> {
  room.added = 0;
  try {
    const [queued, blocked] = await Promise.all([
      fleet.jobs.countByStage(productId, "queued"),
      fleet.jobs.countByStage(productId, "blocked"),
    ]);
    room.counted = queued + blocked;
    room.countedAtMs = nowMs;
  } finally {
    room.counting = undefined;
  }
}
