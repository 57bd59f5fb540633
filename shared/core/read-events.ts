import type { JobEvent } from "../schema/event.js";
import type { Job } from "../schema/job.js";
import type { Fleet } from "./fleet.js";
import { isTombstone } from "./tombstone.js";

/**
 * A job's events from behind `afterSeq`, in order and without a gap, `limit` at most. The job was read
 * first: what its outbox holds and what was stored before it overlap or touch. Stored events beyond
 * the job's eventSeq are left out, since those between may be in a newer outbox that was not read. A
 * tombstone has none.
 */
export async function readEvents(
  fleet: Pick<Fleet, "events">,
  job: Job,
  afterSeq: number,
  limit: number,
): Promise<{ value: JobEvent[]; more: boolean }> {
  // None at once, rather than those that retention has not come to yet: they would seem to begin anywhere.
  if (isTombstone(job)) return { value: [], more: false };
  const stored = await fleet.events.list(job.id, limit, afterSeq);
  const waiting = job.outbox.filter((event) => event.seq > afterSeq);
  const bySeq = new Map<number, JobEvent>();
  for (const event of [...stored.value, ...waiting])
    if (event.seq <= job.eventSeq) bySeq.set(event.seq, event);
  const merged = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  const value = withoutGap(merged, afterSeq).slice(0, limit);
  return { value, more: (value.at(-1)?.seq ?? afterSeq) < job.eventSeq };
}

/** A page of stored events may end before the outbox begins: what lies behind a gap comes with a later page. */
function withoutGap(events: readonly JobEvent[], afterSeq: number): JobEvent[] {
  const end = events.findIndex((event, index) => event.seq !== afterSeq + index + 1);
  return end === -1 ? [...events] : events.slice(0, end);
}
