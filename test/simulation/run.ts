/**
 * One execution of a scenario: its documents, its time, who watches it, and what its actors work with. An
 * actor runs the production code until it asks the store for something, and stops there. The schedule then
 * decides whose request takes effect next, and how it goes. An answer is handed over with the effect: what an
 * actor does between two requests no other can see, so to delay it would only repeat the same states.
 */
import { connect } from "../../shared/core/fleet.js";
import type { Fleet } from "../../shared/core/fleet.js";
import { emptyMemory } from "../../shared/core/memory.js";
import type { BlobOf } from "../../shared/core/ports/blobs.js";
import { choicesOf } from "./choices.js";
import type { Choice } from "./choices.js";
import { digest } from "./digest.js";
import { Memory } from "./memory.js";
import { Monitor } from "./monitor.js";
import type { Operation, Snapshot } from "./operation.js";
import { NOTHING, number } from "./replies.js";
import { SimBlobs } from "./sim-blobs.js";
import { SimStore } from "./sim-store.js";
import type { Faults, State, Surroundings } from "./state.js";

/** Factories never get stale here: that is a hint for claims, and no matter of the protocol. */
export const RULES = {
  leaseSeconds: 90,
  factoryStaleSeconds: 1_000_000,
  clockSkewSecondsMax: 2,
  ...{ retentionDays: 30, queuedJobsMax: 0 },
};
const START_MS = Date.UTC(2026, 0, 15, 12);
/** The product of all who do not say otherwise. */
export const PRODUCT = "acme";

export interface Actor {
  readonly name: string;
  readonly act: (self: Self) => Promise<unknown>;
  readonly productId?: string;
  /** How far its instance's clock is ahead of the others', in seconds. */
  readonly skewSeconds?: number;
  /** Whether it is no process, but time, which passes. */
  readonly isClock?: boolean;
}

/** What an actor has: the coordinator's code on its own port, and a record of what it was answered. */
export interface Self {
  readonly name: string;
  readonly productId: string;
  readonly monitor: Monitor;
  /** The coordinator's code for work that no client asked for: a reaper's. */
  readonly fleet: Fleet;
  /** The coordinator's code for one request: what it writes is that request's. */
  readonly serve: (by: string) => Fleet;
  /** Lets virtual time pass, at a moment that the schedule chooses. */
  readonly passTime: (seconds: number) => Promise<void>;
  /** Sends bytes to where a blob goes, as whoever has its URL may at any time. */
  readonly upload: (blob: BlobOf, text: string) => Promise<void>;
  /** A name for the next request of its. */
  readonly newRequest: () => string;
  /**
   * Notes or judges something with the monitor: whenever an execution comes to this point. What an actor
   * does is up to what it was told, and never to what is judged here.
   */
  readonly judge: (judgement: () => void) => void;
}

/** Where a run begins. */
export interface Setting {
  readonly documents: Snapshot;
  readonly blobs: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

export const EMPTY: Setting = { documents: new Map(), blobs: new Map(), nowMs: START_MS };

/** How an actor is connected with its execution. */
export interface Wiring extends Surroundings {
  readonly perform: (operation: Operation, by: string) => Promise<unknown>;
  readonly newRequest: () => string;
  readonly judge: Self["judge"];
}

export class Run {
  readonly memory = new Memory();
  readonly store: SimStore;
  readonly blobs = new SimBlobs(this.memory);
  readonly monitor: Monitor;
  protected readonly state: State;
  protected broken: Error | undefined;
  readonly #random: () => number;
  readonly #requests = new Map<string, number>();

  /** `random` is the chance that the coordinator's code sees: none, unless a seed brings it. */
  constructor(setting: Setting, faults: Faults, random: () => number = () => 0) {
    this.#random = random;
    this.store = new SimStore((written) => {
      // Kept as well as thrown: production code may catch it, as it catches a store that fails.
      try {
        this.monitor.wrote(written, this.state.cause);
      } catch (error) {
        this.broken ??= error as Error;
        throw error;
      }
    }, this.memory);
    this.store.restore(setting.documents);
    this.blobs.restore(setting.blobs);
    this.monitor = new Monitor(this.store, this.blobs, this.memory);
    const { blobs, monitor } = this;
    this.state = {
      processes: [],
      late: [],
      faults: { ...faults },
      clock: { ms: setting.nowMs },
      blobs,
      monitor,
      actor: "",
      cause: "",
      crashSites: { before: [], after: [] },
    };
    this.memory.keep(() => wayBack(this.state));
  }

  get crashSites(): State["crashSites"] {
    return this.state.crashSites;
  }

  choices(): Choice[] {
    return choicesOf(this.state);
  }

  /**
   * The coordinator's code on the store as it is, without a schedule: for set-up, and for when faults
   * have stopped. Each of its operations takes `msEach` milliseconds.
   */
  calm(name: string, productId = PRODUCT, msEach = 0): Self {
    const perform = (operation: Operation, by: string): Promise<unknown> => {
      this.state.cause = by;
      this.state.clock.ms += msEach;
      this.monitor.step();
      return Promise.resolve(operation.effect("now").value());
    };
    return this.selfOf({ name, productId }, this.wiring(name, perform));
  }

  /** Throws what was found, if anything was. */
  mustBeSound(): void {
    if (this.broken !== undefined) throw this.broken;
  }

  setting(): Setting {
    return { documents: this.store.snapshot(), blobs: this.blobs.snapshot(), nowMs: this.state.clock.ms };
  }

  advance(seconds: number): void {
    this.state.clock.ms += seconds * 1000;
  }

  /** What tells this moment from others: two alike have the same future. */
  fingerprint(): string {
    const { processes, late, faults, clock } = this.state;
    return digest(
      [
        this.store.fingerprint(faults.stale > 0),
        ...processes.map((process) => process.fingerprint()),
        ...late.map(({ text }) => text),
        `${faults.crashes} ${faults.lost} ${faults.stale}`,
        clock.ms,
        this.blobs.fingerprint(),
        this.monitor.fingerprint(),
      ].join("\u0000"),
    );
  }

  /** How an actor takes part in this execution itself: what it judges is judged at once. */
  protected wiring(name: string, perform: Wiring["perform"]): Wiring {
    const { clock, blobs } = this.state;
    const newRequest = (): string => {
      const count = (this.#requests.get(name) ?? 0) + 1;
      this.#requests.set(name, count);
      return `${name}#${count}`;
    };
    const judge: Self["judge"] = (judgement) => {
      judgement();
    };
    return { clock, blobs, perform, newRequest, judge };
  }

  protected selfOf({ name, productId = PRODUCT, skewSeconds = 0 }: Omit<Actor, "act">, wiring: Wiring): Self {
    const { perform, clock, blobs, newRequest, judge } = wiring;
    let ids = 0;
    const ports = {
      clock: { now: () => clock.ms + skewSeconds * 1000 },
      ids: { unique: () => `${name}-${++ids}` },
      random: { next: this.#random },
      pause: () => Promise.resolve(),
      log: { info: nothing, warn: nothing, error: nothing, decision: nothing },
      blobs: blobs.port(),
    };
    // What an instance remembers between requests is the same for all of them.
    const memory = emptyMemory(ports.ids);
    const serve = (by: string): Fleet =>
      connect({ ...ports, store: this.store.port((operation) => perform(operation, by)) }, RULES, memory);
    const outside = this.#outside((operation) => perform(operation, name));
    let fleet: Fleet | undefined;
    return {
      ...{ name, productId, monitor: this.monitor, serve, newRequest, judge, ...outside },
      // Few ask for it, and there are many that could.
      get fleet() {
        return (fleet ??= serve(name));
      },
    };
  }

  /** What happens outside of the coordinator, at a moment of its own: time passes, bytes arrive. */
  #outside(perform: (operation: Operation) => Promise<unknown>): Pick<Self, "passTime" | "upload"> {
    const { clock } = this.state;
    const outside = {
      name: "ping",
      container: "fleet_jobs",
      id: "",
      isWrite: false,
      mayBeStale: false,
    } as const;
    const passTime = async (seconds: number): Promise<void> => {
      await perform({ ...outside, effect: () => number((clock.ms += seconds * 1000)) });
    };
    const upload = async (blob: BlobOf, text: string): Promise<void> => {
      const effect = () => {
        this.blobs.upload(blob, text);
        return NOTHING;
      };
      await perform({ ...outside, container: "fleet_artifacts", id: blob.name, effect });
    };
    return { passTime, upload };
  }
}

function wayBack(state: State): () => void {
  const { actor, cause, clock, faults, late } = state;
  const then = { actor, cause, ms: clock.ms, faults: { ...faults }, late: [...late] };
  return () => {
    state.actor = then.actor;
    state.cause = then.cause;
    clock.ms = then.ms;
    Object.assign(faults, then.faults);
    late.splice(0, late.length, ...then.late);
  };
}

function nothing(): void {
  // Logs are for people.
}
