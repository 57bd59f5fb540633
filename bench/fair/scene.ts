/** One job, held by one process that is about to be killed, and who waits for it. */
export interface Scene {
  /** What the victim's `hold` is given. */
  readonly place: unknown;
  /** Called once the job is held: who waits begins to wait. Resolves when the job is claimed again. */
  claimedAgain(killed: Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** A way to hold a job and to get it back. */
export interface Recovery {
  readonly name: string;
  /** Whose `hold` the victim calls: a module, and the name of an export of it. Absent: fleet's own. */
  readonly holder?: readonly [module: string, name: string];
  prepare(): Promise<Scene>;
}
