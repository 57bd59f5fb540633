import type { EventDocument, JobEvent } from "../../schema/event.js";
import type { Job } from "../../schema/job.js";
import { EVENT_SEQ_DIGITS, SCHEMA_VERSION } from "../../schema/limits.js";
import type { Store } from "../ports/store.js";
import { collection, deletion } from "./collection.js";

export function eventRepository(store: Store) {
  const { create, get } = collection(store, "fleet_events");
  return {
    get,
    /** For retention alone: an event of a job that is no tombstone never goes. */
    ...deletion(store, "fleet_events"),
    /**
     * Stores one event of a job. Its id comes from its number, so storing it twice is storing
     * it once: whoever finds it there already has nothing to do.
     */
    append: async (job: Pick<Job, "id" | "productId">, event: JobEvent): Promise<void> => {
      await create(toDocument(job, event));
    },
    /** One stored event of a job. */
    getBySeq: (jobId: string, seq: number) => get(jobId, idOf(jobId, seq)),
    /** A job's stored events in order, from behind `afterSeq`. */
    list: (jobId: string, limit: number, afterSeq = 0) =>
      store.query(
        "fleet_events",
        jobId,
        {
          where: [],
          orderBy: [{ field: "seq", direction: "ascending" }],
          limit,
          after: [afterSeq],
          freshness: "fresh",
        },
        ["seq", "type", "at", "actor", "data"],
      ),
  };
}

function toDocument(job: Pick<Job, "id" | "productId">, event: JobEvent): EventDocument {
  return {
    ...event,
    id: idOf(job.id, event.seq),
    jobId: job.id,
    productId: job.productId,
    schemaVersion: SCHEMA_VERSION,
  };
}

function idOf(jobId: string, seq: number): string {
  return `${jobId}:${String(seq).padStart(EVENT_SEQ_DIGITS, "0")}`;
}
