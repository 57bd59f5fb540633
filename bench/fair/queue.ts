/** What the benchmark asks of every system alike: this project, its peers, and a table with SKIP LOCKED. */

/** One finished job. */
export interface Cycle {
  /** When it was asked for, by `performance.now()`. */
  readonly askedAt: number;
  /** Milliseconds until the worker had it; absent where a system does not show that. */
  readonly claimMs?: number;
  /** Milliseconds until it was finished, as far as the system shows that: see docs/benchmark.md. */
  readonly cycleMs: number;
}

/** One worker of a system that is asked for each job. */
export interface Hand {
  /** A job, or undefined when there is none. */
  claim(): Promise<unknown>;
  finish(job: unknown): Promise<void>;
}

/** Workers of a system that hands jobs out itself. */
export interface PushedCrew {
  readonly kind: "push";
  /** They take jobs, and tell of each that is finished. */
  start(finished: (cycle: Cycle) => void): Promise<void>;
  /** Takes no more jobs, and resolves when those taken are finished. They may be started again. */
  pause(): Promise<void>;
  end(): Promise<void>;
}

export interface PulledCrew {
  readonly kind: "pull";
  readonly hands: readonly Hand[];
  end(): Promise<void>;
}

export type Crew = PushedCrew | PulledCrew;

/** One queue of one system, fresh and empty. */
export interface Queue {
  /** Adds jobs that every worker can take, behind those that wait. Not measured. */
  fill(jobs: number): Promise<void>;
  /** Adds jobs that none of the workers can take, behind those that wait. Not measured. */
  fillIneligible(jobs: number): Promise<void>;
  /** So many workers in this process, connected and known to the system. Not measured. */
  crew(workers: number): Promise<Crew>;
  close(): Promise<void>;
}

/** What a write survives before it is answered. `power`: a power cut. `process`: the end of the process only. */
export type Durability = "power" | "process";

export interface System {
  readonly name: string;
  readonly durability: Durability;
  /** A fresh queue; each request to its store, or to its server, is `delayMs` under way. */
  open(delayMs: number): Promise<Queue>;
}
