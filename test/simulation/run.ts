/**
 * One execution of a scenario under one schedule. Each actor runs the production code until it asks the
 * store for something, and stops there. The schedule then decides whose request takes effect next, and
 * how it goes. An answer is handed over with the effect: what an actor does between two requests no
 * other can see, so delaying it separately would only repeat the same states.
 */
import { connect } from "../../shared/core/fleet.js";
import type { Fleet } from "../../shared/core/fleet.js";
import { emptyMemory } from "../../shared/core/memory.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { CallSite } from "./call-site.js";
import { choicesOf } from "./choices.js";
import type { Choice } from "./choices.js";
import { Monitor } from "./monitor.js";
import type { Operation, Snapshot } from "./operation.js";
import type { BlobOf } from "../../shared/core/ports/blobs.js";
import { SimBlobs } from "./sim-blobs.js";
import { SimStore } from "./sim-store.js";
import { Process, digest } from "./state.js";
import type { Faults, State } from "./state.js";

/** Factories never get stale here: that is a hint for claims, and no matter of the protocol. */
export const RULES = {
  leaseSeconds: 90,
  factoryStaleSeconds: 1_000_000,
  clockSkewSecondsMax: 2,
  retentionDays: 30,
};
const START_MS = Date.UTC(2026, 0, 15, 12);
/** The product of all who do not say otherwise. */
export const PRODUCT = "acme";

/**
 * Picks one of the choices by its place; undefined ends the run, since what follows is known. `state`
 * tells this moment from others, for those who ask.
 */
export type Chooser = (choices: readonly Choice[], state: () => string) => number | undefined;

export interface Actor {
  readonly name: string;
  readonly act: (self: Self) => Promise<unknown>;
  readonly productId?: string;
  /** How far its instance's clock is ahead of the others', in seconds. */
  readonly skewSeconds?: number;
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
}

/** Where a run begins. */
export interface Setting {
  readonly documents: Snapshot;
  readonly blobs: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

export const EMPTY: Setting = { documents: new Map(), blobs: new Map(), nowMs: START_MS };

type Perform = (operation: Operation, by: string) => Promise<unknown>;

export class Run {
  readonly store: SimStore;
  readonly blobs = new SimBlobs();
  readonly monitor: Monitor;
  /** What happened, as a story. */
  readonly trace: string[] = [];
  readonly #state: State;
  readonly #random: () => number;
  #broken: Error | undefined;

  /** `random` is the chance that the coordinator's code sees: none, unless a seed brings it. */
  constructor(setting: Setting, faults: Faults, random: () => number = () => 0) {
    this.#random = random;
    this.store = new SimStore((written) => {
      // Kept as well as thrown: production code may catch it, as it catches a store that fails.
      try {
        this.monitor.wrote(written, this.#state.cause);
      } catch (error) {
        this.#broken ??= error as Error;
        throw error;
      }
    });
    this.store.restore(setting.documents);
    this.blobs.restore(setting.blobs);
    this.monitor = new Monitor(this.store, this.blobs);
    this.#state = {
      processes: [],
      late: [],
      faults: { ...faults },
      clock: { ms: setting.nowMs },
      monitor: this.monitor,
      actor: "",
      cause: "",
      crashSites: { before: [], after: [] },
    };
  }

  get crashSites(): State["crashSites"] {
    return this.#state.crashSites;
  }

  /** Runs the actors to their ends. True when they got there, false when the chooser ended it. */
  async play(actors: readonly Actor[], choose: Chooser): Promise<boolean> {
    for (const actor of actors) this.#start(actor);
    for (;;) {
      await settled();
      this.mustBeSound();
      const choices = choicesOf(this.#state);
      if (choices.length === 0) return true;
      const picked = choose(choices, () => this.#fingerprint());
      const choice = picked === undefined ? undefined : choices[picked];
      if (choice === undefined) return false;
      this.trace.push(choice.text);
      this.monitor.step();
      choice.apply();
    }
  }

  /**
   * The coordinator's code on the store as it is, without a schedule: for set-up, and for when faults
   * have stopped. Each of its operations takes `msEach` milliseconds.
   */
  calm(name: string, productId = PRODUCT, msEach = 0): Self {
    return this.#self({ name, productId }, (operation, by) => {
      this.#state.cause = by;
      this.#state.clock.ms += msEach;
      this.monitor.step();
      return Promise.resolve(operation.effect("now"));
    });
  }

  /** Throws what was found, if anything was. */
  mustBeSound(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  setting(): Setting {
    return { documents: this.store.snapshot(), blobs: this.blobs.snapshot(), nowMs: this.#state.clock.ms };
  }

  advance(seconds: number): void {
    this.#state.clock.ms += seconds * 1000;
  }

  #start(actor: Actor): void {
    const process = new Process(actor.name);
    this.#state.processes.push(process);
    const perform: Perform = (operation, by) =>
      new Promise((resolve, reject) => {
        // What the dead would still ask for, nobody hears.
        if (process.crashed) return;
        process.pending.push({ operation, site: new CallSite(), by, resolve, reject });
      });
    actor.act(this.#self(actor, perform)).then(
      () => (process.ended = true),
      (error: unknown) => {
        process.ended = true;
        const expected = error instanceof StoreUnavailable || error instanceof StoreThrottled;
        if (!expected) this.#broken ??= error instanceof Error ? error : new Error(String(error));
      },
    );
  }

  #self({ name, productId = PRODUCT, skewSeconds = 0 }: Omit<Actor, "act">, perform: Perform): Self {
    const state = this.#state;
    let ids = 0;
    const ports = {
      clock: { now: () => state.clock.ms + skewSeconds * 1000 },
      ids: { unique: () => `${name}-${++ids}` },
      random: { next: this.#random },
      pause: () => Promise.resolve(),
      log: { info: nothing, warn: nothing, error: nothing, decision: nothing },
    };
    const memory = emptyMemory(ports.ids);
    const instance = (by: string) =>
      connect(
        { ...ports, store: this.store.port((operation) => perform(operation, by)), blobs: this.blobs.port() },
        RULES,
        memory,
      );
    const fleet = instance(name);
    const outside = {
      name: "ping",
      container: "fleet_jobs",
      id: "",
      isWrite: false,
      mayBeStale: false,
    } as const;
    const passTime = async (seconds: number): Promise<void> => {
      await perform({ ...outside, effect: () => (state.clock.ms += seconds * 1000) }, name);
    };
    const upload = async (blob: BlobOf, text: string): Promise<void> => {
      const effect = (): void => {
        this.blobs.upload(blob, text);
      };
      await perform({ ...outside, container: "fleet_artifacts", id: blob.name, effect }, name);
    };
    // What an instance remembers between requests is the same for all of them.
    const serve = instance;
    return { name, productId, monitor: this.monitor, fleet, serve, passTime, upload };
  }

  #fingerprint(): string {
    const { processes, late, faults, clock } = this.#state;
    return digest(
      [
        this.store.fingerprint(faults.stale > 0),
        ...processes.map((process) => process.fingerprint()),
        ...late.map(({ text }) => text),
        JSON.stringify(faults),
        clock.ms,
        JSON.stringify([...this.blobs.snapshot()].sort()),
        this.monitor.fingerprint(),
      ].join("\u0000"),
    );
  }
}

/** All that was asked for has been asked: promises are settled before the event loop turns. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function nothing(): void {
  // Logs are for people; a simulation has its trace.
}
