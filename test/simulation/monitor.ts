/**
 * Watches one execution: every version of every document, and every answer that a client got. It knows
 * the invariants and nothing of the code: a violation names the invariant by its number in
 * docs/protocol.md.
 */
import type { JobEvent } from "../../shared/schema/event.js";
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import { isFinalStage, isOwnedStage } from "../../shared/schema/stages.js";
import { checkJob, checkLease, checkEvents } from "./document-rules.js";
import type { At, Seen } from "./seen.js";
import type { SimStore, Written } from "./sim-store.js";
import { Violation } from "./violation.js";

export class Monitor implements Seen {
  readonly jobs = new Map<string, At<Job>[]>();
  readonly leases = new Map<string, At<Lease>[]>();
  /** Who was seen to own each epoch of each job. */
  readonly owners = new Map<string, string>();
  /** Every event that was ever visible, by job and number. */
  readonly events = new Map<string, string>();
  /** What clients were told, in the order they were told it: part of what tells two states apart. */
  readonly told: string[] = [];
  /** The job and epoch that each claim id was granted last. */
  readonly grants = new Map<string, { jobId: string; leaseEpoch: number }>();
  readonly #calls = new Map<string, number>();
  readonly #store: SimStore;
  #step = 0;

  constructor(store: SimStore) {
    this.#store = store;
    for (const job of store.all("fleet_jobs"))
      this.#remember(this.jobs, job.id, job as unknown as Job, "set-up");
    for (const lease of store.all("fleet_leases")) {
      this.#remember(this.leases, lease.id, lease as unknown as Lease, "set-up");
    }
    for (const history of this.jobs.values()) for (const { doc } of history) this.#see(doc);
  }

  get now(): number {
    return this.#step;
  }

  step(): void {
    this.#step++;
  }

  /** A client begins its next call. */
  begins(name: string): void {
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1);
  }

  /** The name of the call that this client is in. */
  callOf(name: string): string {
    return `${name}#${this.#calls.get(name) ?? 0}`;
  }

  died(name: string): void {
    this.told.push(`${name} died`);
  }

  fingerprint(): string {
    return this.told.join("|") + [...this.owners].join() + JSON.stringify([...this.grants]);
  }

  wrote({ container, before, after }: Written, by: string): void {
    if (after === undefined) {
      if (container === "fleet_jobs") throw new Violation(7, "a job was deleted");
      if (container === "fleet_events") throw new Violation(10, "an event was deleted");
      return;
    }
    switch (container) {
      case "fleet_jobs": {
        const job = after as unknown as Job;
        this.#see(job);
        checkJob(this, before as unknown as Job | undefined, job);
        this.#remember(this.jobs, job.id, job, by);
        checkEvents(this.#store, job);
        this.#checkPair(job.id);
        return;
      }
      case "fleet_leases": {
        const lease = after as unknown as Lease;
        checkLease(this.job(lease.id), lease, before as unknown as Lease | undefined);
        this.#remember(this.leases, lease.id, lease, by);
        this.#checkPair(lease.id);
        return;
      }
      case "fleet_events": {
        const event = after as unknown as JobEvent & { jobId: string };
        const job = this.job(event.jobId);
        if (job === undefined || event.seq > job.eventSeq)
          throw new Violation(10, "an event is stored before it is true");
        this.#sameEvent(event.jobId, event);
        checkEvents(this.#store, job);
        return;
      }
      // Nothing hangs on what these say: the job decides.
      case "fleet_runs":
      case "fleet_factories":
      case "fleet_profiles":
      case "fleet_artifacts":
    }
  }

  job(id: string): Job | undefined {
    return this.jobs.get(id)?.at(-1)?.doc;
  }

  lease(id: string): Lease | undefined {
    return this.leases.get(id)?.at(-1)?.doc;
  }

  /** The versions that were in force at some instant from `from` to now, with the version before each. */
  during<T>(history: At<T>[] | undefined, from: number): At<T>[] {
    const all = history ?? [];
    const first = all.findLastIndex(({ step }) => step <= from);
    return all.slice(Math.max(0, first));
  }

  #remember<T>(where: Map<string, At<T>[]>, id: string, doc: T, by: string): void {
    const history = where.get(id) ?? [];
    history.push({ step: this.#step, doc, by });
    where.set(id, history);
  }

  /** 1 and 10: what this version shows was never shown otherwise. */
  #see(job: Job): void {
    if ((isOwnedStage(job.stage) || isFinalStage(job.stage)) && job.holderFactoryId !== undefined) {
      const epoch = `${job.id}/${job.leaseEpoch}`;
      const known = this.owners.get(epoch);
      if (known !== undefined && known !== job.holderFactoryId) {
        throw new Violation(1, `epoch ${job.leaseEpoch} went to ${known} and to ${job.holderFactoryId}`);
      }
      this.owners.set(epoch, job.holderFactoryId);
    }
    for (const event of job.outbox) this.#sameEvent(job.id, event);
  }

  #sameEvent(jobId: string, { seq, type, at, actor, data }: JobEvent): void {
    const name = `${jobId}/${seq}`;
    const text = JSON.stringify([type, at, actor ?? null, data]);
    const known = this.events.get(name);
    if (known !== undefined && known !== text) throw new Violation(10, `event ${seq} was two things`);
    this.events.set(name, text);
  }

  #checkPair(id: string): void {
    const job = this.job(id);
    const lease = this.lease(id);
    if (lease !== undefined) checkLease(job, lease);
  }
}
