/**
 * A fleet that only rehearses: it reads what is there, and what it writes goes into memory and nowhere
 * else. So a batch is judged by the very code that will write it, and the two can't differ.
 */
import type { Job } from "../schema/job.js";
import type { Lanes } from "../schema/lane.js";
import { omit } from "../schema/omit.js";
import type { Fleet } from "./fleet.js";
import type { Log } from "./ports/runtime.js";
import type { Stored } from "./ports/store.js";
import { copyOfRooms } from "./queue-room.js";

const SILENT: Log = {
  decision: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** For submissions of one product: other operations would find what they write nowhere. */
export function rehearsing(fleet: Fleet): Fleet {
  const jobs = new Map<string, Promise<Stored<Job> | undefined>>();
  let writes = 0;
  const get = (productId: string, id: string): Promise<Stored<Job> | undefined> => {
    const known = jobs.get(id) ?? fleet.jobs.get(productId, id).then(withoutTexts);
    jobs.set(id, known);
    return known;
  };
  const put = (doc: Job): string => {
    const etag = `rehearsed ${++writes}`;
    jobs.set(doc.id, Promise.resolve({ doc: lean(doc), etag }));
    return etag;
  };
  let lanes: Promise<Stored<Lanes> | undefined> | undefined;
  const putLanes = (doc: Lanes): string => {
    const etag = `rehearsed ${++writes}`;
    lanes = Promise.resolve({ doc, etag });
    return etag;
  };
  return {
    ...fleet,
    log: SILENT,
    // What is registered here is not registered.
    knownLanes: new Map(),
    queueRooms: copyOfRooms(fleet.queueRooms),
    lanes: {
      get: (productId, id) => (lanes ??= fleet.lanes.get(productId, id)),
      create: async (doc) =>
        (await lanes) === undefined ? { kind: "created", etag: putLanes(doc) } : { kind: "exists" },
      replaceIfMatch: async (read, next) =>
        (await lanes)?.etag === read.etag
          ? { kind: "replaced", etag: putLanes(next) }
          : { kind: "etag_mismatch" },
    },
    jobs: {
      ...fleet.jobs,
      get,
      create: async (doc) =>
        (await get(doc.productId, doc.id)) === undefined
          ? { kind: "created", etag: put(doc) }
          : { kind: "exists" },
      replaceIfMatch: async (read, next) =>
        (await get(next.productId, next.id))?.etag === read.etag
          ? { kind: "replaced", etag: put(next) }
          : { kind: "etag_mismatch" },
      // What would follow a submission that fails with its dependency, is for the real one.
      blockedOn: () => Promise.resolve({ value: [], more: false }),
    },
    leases: { ...fleet.leases, get: () => Promise.resolve(undefined) },
    events: { ...fleet.events, append: () => Promise.resolve() },
    runs: {
      ...fleet.runs,
      get: () => Promise.resolve(undefined),
      create: () => Promise.resolve({ kind: "created", etag: "" }),
    },
  };
}

function withoutTexts(stored: Stored<Job> | undefined): Stored<Job> | undefined {
  return stored && { ...stored, doc: lean(stored.doc) };
}

/** No judgement looks at the texts, and thousands of dependencies would not fit into memory with theirs. */
function lean(job: Job): Job {
  return { ...omit(job, "manifestSnapshot", "result", "verifyResult"), bodyMd: "" };
}
