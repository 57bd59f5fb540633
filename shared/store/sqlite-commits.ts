/**
 * Group commit: writes that come together share one transaction, and so one wait for the disk.
 *
 * A write is put into a row. When everything that was ready in this turn of the event loop has run,
 * the row is written between one BEGIN IMMEDIATE and one COMMIT, without a pause, and only then is
 * anybody answered. So
 *
 * - durability is what it was: who was told "written" was told after the disk had it;
 * - each write is judged on its own, in the order of arrival, and sees those before it;
 * - nobody of this connection reads in between, and others see nothing before the commit: what may
 *   yet be rolled back is never shown;
 * - a write that SQLite refuses for itself (a constraint, too big) fails alone: its statement is undone,
 *   the others stay. Where the disk is full or broken, the transaction is rolled back, and every
 *   write in it is told so.
 *
 * A lone write goes the same way. `get()` of node:sqlite throws away what goes wrong after the first row,
 * so in a transaction of its own a write was said to be done whose commit had failed.
 *
 * Why `setImmediate` and not a microtask: a microtask runs before the others' promises have got as far as
 * their writes. One worker then lives its whole job through while the others wait: of 64 that claim
 * and ship, the slowest took 15 to 40 s instead of 0.4, and all together twice as long.
 */
import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { StoreThrottled, StoreUnavailable } from "../core/ports/store.js";
import { toStoreError } from "./sqlite-errors.js";

/** Writes of one transaction. It holds up the thread meanwhile: so many take about 10 ms, and the disk's time. */
const GROUP_MAX = 256;

export interface Commits {
  /**
   * Does `work`, statements of this connection that wait for nothing, in the next transaction. Resolves to
   * what it gave once that is committed; rejects as the store port does.
   */
  write<T>(work: () => T): Promise<T>;
  /** Writes what waits, now. */
  flush(): void;
}

/** The writes of one connection. Nobody else may open a transaction on it. */
export function groupCommit(db: DatabaseSync): Commits {
  const transaction = transactionsOf(db);
  let waiting: Waiting[] = [];
  const writeSome = (): void => {
    const group = waiting.slice(0, GROUP_MAX);
    waiting = waiting.slice(GROUP_MAX);
    // Whoever is answered may write again: what is left has its turn before.
    if (waiting.length > 0) setImmediate(writeSome);
    writeTogether(transaction, group);
  };
  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        if (!db.isOpen) throw new StoreUnavailable("the store is closed");
        if (waiting.length === 0) setImmediate(writeSome);
        waiting.push({
          work: () => {
            const outcome = work();
            return () => {
              resolve(outcome);
            };
          },
          refuse: reject,
        });
      }),
    flush: () => {
      while (waiting.length > 0) writeTogether(transaction, waiting.splice(0, GROUP_MAX));
    },
  };
}

interface Waiting {
  /** Does it, and gives what will tell its caller so. */
  work(): () => void;
  refuse(error: unknown): void;
}

interface Transactions {
  begin(): void;
  commit(): void;
  rollBack(): void;
}

function transactionsOf(db: DatabaseSync): Transactions {
  // IMMEDIATE takes the write lock at once, and waits for it: a lock that is wanted later is refused instead.
  const [begin, commit] = [db.prepare("BEGIN IMMEDIATE"), db.prepare("COMMIT")];
  return {
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    rollBack: () => {
      try {
        db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself, or never begun. Where it can't, the next BEGIN will fail.
      }
    },
  };
}

/** Writes a group in one transaction, and answers each of it. */
function writeTogether(transaction: Transactions, group: readonly Waiting[]): void {
  // Written already, by a flush that did not wait for its turn.
  if (group.length === 0) return;
  const answers: (() => void)[] = [];
  const open = new Set(group);
  try {
    transaction.begin();
    for (const one of group) {
      const refusal = attempt(one, answers);
      if (refusal === undefined) continue;
      open.delete(one);
      one.refuse(refusal);
    }
    transaction.commit();
  } catch (error) {
    transaction.rollBack();
    for (const one of open) one.refuse(outageOf(error));
    return;
  }
  for (const answer of answers) answer();
}

/** Does one write of a group. What is wrong with this one alone is returned, anything else thrown. */
function attempt(one: Waiting, answers: (() => void)[]): unknown {
  try {
    answers.push(one.work());
    return undefined;
  } catch (error) {
    if (isOutage(toStoreError(error))) throw error;
    return error;
  }
}

function isOutage(error: unknown): error is StoreThrottled | StoreUnavailable {
  return error instanceof StoreThrottled || error instanceof StoreUnavailable;
}

/** Why a whole transaction failed. An error that SQLite has no outage for must not pass as a caller's mistake. */
function outageOf(error: unknown): StoreThrottled | StoreUnavailable {
  const mapped = toStoreError(error);
  return isOutage(mapped) ? mapped : new StoreUnavailable("the transaction failed", error);
}
