/**
 * What an instance of the coordinator remembers between requests. Nothing rests on it: each is a hint that
 * is checked where it matters, or saves a look at what can't have changed. It dies with the instance.
 */
import type { HeldLease } from "../schema/lease.js";
import type { RunRef } from "../schema/run.js";
import { sha256 } from "./hash.js";
import type { Ids } from "./ports/runtime.js";
import type { Stored } from "./ports/store.js";
import type { Candidate } from "./repositories/jobs.js";

/** How claims avoid one another. `race`: not at all; for measurements only. */
export type Spreading = "share" | "race";

/** What one query found, for the claims that waited for it. */
export interface Window {
  /** In the order of the queue. */
  found: readonly Candidate[];
  /** Tried by somebody of this instance since the query began. */
  readonly taken: Set<string>;
  users: number;
}

interface Waiting {
  readonly look: (claims: number) => Promise<readonly Candidate[]>;
  readonly resolve: (window: Window) => void;
  readonly reject: (error: unknown) => void;
}

/** What an instance remembers of its own claims and of other instances; one for all products. */
export interface Candidates {
  readonly spreading: Spreading;
  /** Jobs that a claim of this instance is trying. */
  readonly inHand: Set<string>;
  readonly windows: Set<Window>;
  /** Claims that wait for a query, by product and lanes. */
  readonly waiting: Map<string, Waiting[]>;
  /** By product: other instances that won a race, and when that was seen. */
  readonly rivals: Map<string, Map<string, number>>;
}

/** What one instance knows of the jobs of a product that wait. */
export interface QueueRoom {
  counted: number;
  countedAtMs: number;
  /** Of this instance's submissions, those that ended since that count began. */
  added: number;
  /** And those that have not ended. */
  underWay: number;
  counting: Promise<void> | undefined;
}

/** The memory of an instance that has just begun. */
export function emptyMemory(ids: Ids, spreading: Spreading = "share") {
  const candidates: Candidates = {
    spreading,
    inHand: new Set(),
    windows: new Set(),
    waiting: new Map(),
    rivals: new Map(),
  };
  return {
    /** Tells this instance from others that claim the same jobs. */
    instance: sha256(ids.unique()).slice(0, 8),
    /** The queue as this instance's claims see it. */
    candidates,
    /** By product: lanes that are registered for certain. */
    knownLanes: new Map<string, ReadonlySet<string>>(),
    /** By product and factory: the lanes that its last claim looked at. */
    lastLanes: new Map<string, readonly string[]>(),
    /** By job: the lease as this instance wrote it last. */
    heldLeases: new Map<string, Stored<HeldLease>>(),
    /** Runs that ended on this instance and may not be counted yet (count-runs.ts). */
    uncounted: new Map<string, RunRef>(),
    /** When this instance last reaped on behalf of a claim that found nothing, per product. */
    lastClaimReap: new Map<string, number>(),
    /** By product: how many jobs wait, where that is bounded. */
    queueRooms: new Map<string, QueueRoom>(),
  };
}
