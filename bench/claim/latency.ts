/** How long a claim takes on queues of different lengths, side by side. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fleet } from "../../shared/core/fleet.js";
import { patch } from "../../shared/core/patch.js";
import type { Store } from "../../shared/core/ports/store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { fleetOn, mustClaim, PRODUCT, register } from "./fleet-on.js";
import { FACTORY, fillFile } from "./queue-file.js";
import type { Queue } from "./queue-file.js";

export interface LatencyFigures extends Queue {
  readonly name: string;
  /** Median of a whole claim, and of what of it the store's reads took: writes wait for the disk, whatever the queue. */
  readonly claimMs: number;
  readonly readsMs: number;
  /** To those of the first queue. */
  readonly claimRatio: number;
  readonly readsRatio: number;
}

interface Contestant {
  readonly fleet: Fleet;
  readonly reads: { ms: number };
  readonly claimMs: number[];
  readonly readsMs: number[];
  close(): void;
}

/** Fills a file for each queue, then claims from one after the other, `runs` times round. */
export async function measureLatency(
  queues: readonly (Queue & { readonly name: string })[],
  runs: number,
  say: (text: string) => void,
): Promise<LatencyFigures[]> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-bench-"));
  try {
    const contestants: Contestant[] = [];
    for (const queue of queues) {
      say(`filling: ${queue.name}`);
      const path = join(folder, `${contestants.length}.db`);
      await fillFile(path, queue);
      contestants.push(openContestant(path));
    }
    // Filling took minutes, in which the factory of the first file has fallen silent.
    for (const { fleet } of contestants) await register(fleet, FACTORY);
    // A first round, not counted, reads the pages and prepares the statements.
    for (let run = 0; run <= runs; run++)
      for (const contestant of contestants) await claimOnce(contestant, run > 0);
    for (const contestant of contestants) contestant.close();
    const [base] = contestants;
    return queues.map((queue, place) => {
      const claimMs = median(contestants[place]?.claimMs ?? []);
      const readsMs = median(contestants[place]?.readsMs ?? []);
      const claimRatio = claimMs / median(base?.claimMs ?? []);
      return { ...queue, claimMs, readsMs, claimRatio, readsRatio: readsMs / median(base?.readsMs ?? []) };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function openContestant(path: string): Contestant {
  const reads = { ms: 0 };
  const store = openSqliteStore({ path });
  return {
    fleet: fleetOn(withReadsTimed(store, reads)),
    reads,
    claimMs: [],
    readsMs: [],
    close: () => {
      store.close();
    },
  };
}

async function claimOnce({ fleet, reads, claimMs, readsMs }: Contestant, counts: boolean): Promise<void> {
  reads.ms = 0;
  const begun = performance.now();
  const job = await mustClaim(fleet, FACTORY);
  if (counts) {
    claimMs.push(performance.now() - begun);
    readsMs.push(reads.ms);
  }
  const shipped = { factoryId: FACTORY, leaseEpoch: job.leaseEpoch, stage: "shipped" } as const;
  await patch(fleet, PRODUCT, job.id, shipped);
}

/** Adds up what queries, counts and point reads take. */
function withReadsTimed(store: Store, reads: { ms: number }): Store {
  const timed = async <T>(ask: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    // The embedded store has done it when the call returns.
    const answer = ask();
    reads.ms += performance.now() - begun;
    return answer;
  };
  return {
    ...store,
    read: (container, partition, id) => timed(() => store.read(container, partition, id)),
    query: (container, partition, query, fields) =>
      timed(() => store.query(container, partition, query, fields)),
    count: (container, partition, where) => timed(() => store.count(container, partition, where)),
  };
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;
}
