/**
 * Watches one execution: every version of every document, and every answer that a client got. It knows
 * the invariants and nothing of the code: a violation names the invariant by its number in
 * docs/protocol.md.
 */
import type { EventDocument, JobEvent } from "../../shared/schema/event.js";
import type { Factory } from "../../shared/schema/factory.js";
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import { isFinalStage, isOwnedStage } from "../../shared/schema/stages.js";
import { checkDeleted } from "./tombstone-rules.js";
import { checkJob, checkLease, checkEvents } from "./document-rules.js";
import { History } from "./history.js";
import type { Call } from "./history.js";
import type { KeptMap, Memory } from "./memory.js";
import type { Doc, Operation, Written } from "./operation.js";
import { documents, factoryName } from "./documents.js";
import { effectOf } from "./effects.js";
import { fingerprintOf } from "./fingerprint.js";
import { Records } from "./records.js";
import { Requests } from "./requests.js";
import type { At, Seen } from "./seen.js";
import type { SimBlobs } from "./sim-blobs.js";
import type { SimStore } from "./sim-store.js";
import { Violation } from "./violation.js";

export class Monitor extends Records implements Seen {
  readonly jobs: KeptMap<string, readonly At<Job>[]>;
  readonly leases: KeptMap<string, readonly At<Lease>[]>;
  /** By product and id. */
  readonly factories: KeptMap<string, readonly At<Factory>[]>;
  /** Who was seen to own each epoch of each job. */
  readonly owners: KeptMap<string, string>;
  /** Every event that was ever visible, by job and number. */
  readonly events: KeptMap<string, string>;
  /** The job and epoch that each claim id was granted last. */
  readonly grants: KeptMap<string, { jobId: string; leaseEpoch: number }>;
  /** Each job and epoch that a factory was told it holds. */
  readonly told: KeptMap<string, true>;
  /** What clients asked and were told. */
  readonly history: History;
  /** Events that somebody stored who slept while their job became a tombstone: nobody sees them, and they stay. */
  readonly leftovers: KeptMap<string, true>;
  readonly requests: Requests;
  readonly #stored: KeptMap<string, ReadonlySet<number>>;
  #step = 0;

  constructor(store: SimStore, blobs: SimBlobs, memory: Memory) {
    super(store, blobs, memory);
    this.jobs = memory.map();
    this.leases = memory.map();
    this.factories = memory.map();
    this.owners = memory.map();
    this.events = memory.map();
    this.grants = memory.map();
    this.told = memory.map();
    this.history = new History(memory);
    this.leftovers = memory.map();
    this.#stored = memory.map();
    this.requests = new Requests(memory);
    memory.keep(() => {
      const step = this.#step;
      return () => (this.#step = step);
    });
    for (const job of documents<Job>(store, "fleet_jobs")) this.#remember(this.jobs, job.id, job, "set-up");
    for (const lease of documents<Lease>(store, "fleet_leases"))
      this.#remember(this.leases, lease.id, lease, "set-up");
    for (const factory of documents<Factory>(store, "fleet_factories"))
      this.#remember(this.factories, factoryName(factory), factory, "set-up");
    for (const event of documents<EventDocument>(store, "fleet_events")) {
      this.#store(event.jobId, event.seq);
      this.artifacts.see(event.jobId, event, 0);
    }
    for (const history of this.jobs.values()) for (const { doc } of history) this.#see(doc);
  }

  get now(): number {
    return this.#step;
  }

  step(): void {
    this.#step++;
  }

  /** A client sends a request, which is called `by`. */
  begin(by: string, productId: string, call: Call | undefined): void {
    const request = this.requests.begin(by, productId, this.#step, call?.kind === "claim");
    if (call !== undefined) this.history.begins(call, request);
  }

  /** What the rules will look at beside the documents themselves. */
  fingerprint(): string {
    return fingerprintOf(this, this.requests.underWay());
  }

  wrote({ container, before, after }: Written, by: string): void {
    if (after === undefined) {
      this.#deleted(container, before, by);
      return;
    }
    this.#attribute(container, before, after, by);
    switch (container) {
      case "fleet_jobs": {
        const job = after as unknown as Job;
        this.#see(job);
        checkJob(this, before as unknown as Job | undefined, job);
        this.#remember(this.jobs, job.id, job, by);
        checkEvents(this, job);
        this.lanes.checkJob(job);
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
        const event = after as unknown as EventDocument;
        const job = this.job(event.jobId);
        if (job === undefined || event.seq > job.eventSeq)
          throw new Violation(10, "an event is stored before it is true");
        this.#sameEvent(event.jobId, event);
        if (job.tombstone) this.leftovers.set(event.id, true);
        this.#store(event.jobId, event.seq);
        checkEvents(this, job);
        return;
      }
      case "fleet_factories": {
        const factory = after as unknown as Factory;
        this.#remember(this.factories, factoryName(factory), factory, by);
        return;
      }
      case "fleet_artifacts":
      case "fleet_lanes":
      case "fleet_runs":
      case "fleet_profiles":
      case "fleet_totals":
        this.wroteRecord(container, before, after, this.#step);
    }
  }

  /** 7 and 18: a job never goes, and what belongs to one only with its tombstone. A set-up may do as it likes. */
  #deleted(container: Operation["container"], before: Doc | undefined, by: string): void {
    if (container === "fleet_jobs") throw new Violation(7, "a job was deleted");
    if (by === "set-up") return;
    const jobId = String(before?.["jobId"]);
    checkDeleted(this, jobId);
    if (container === "fleet_runs") this.runs.delete(String(before?.id));
    if (container === "fleet_events") {
      const seq = Number(before?.["seq"]);
      this.#stored.set(jobId, new Set([...this.storedEvents(jobId)].filter((stored) => stored !== seq)));
    }
  }

  job(id: string): Job | undefined {
    return this.jobs.get(id)?.at(-1)?.doc;
  }

  lease(id: string): Lease | undefined {
    return this.leases.get(id)?.at(-1)?.doc;
  }

  storedEvents(jobId: string): ReadonlySet<number> {
    return this.#stored.get(jobId) ?? new Set();
  }

  #store(jobId: string, seq: number): void {
    this.#stored.set(jobId, new Set([...this.storedEvents(jobId), seq]));
  }

  /**
   * 13, for writes: a request changes nothing of another product. 4, for claims: none gives back what the
   * factory was told it holds. What the request did is noted.
   */
  #attribute(container: Operation["container"], before: Doc | undefined, after: Doc, by: string): void {
    const request = this.requests.find(by);
    if (request === undefined) return;
    if (after["productId"] !== request.productId)
      throw new Violation(13, `a request of ${request.productId} wrote a document of another product`);
    const type = effectOf(container, after, before);
    const jobId = container === "fleet_jobs" ? after.id : ((after["jobId"] as string | undefined) ?? "");
    const leaseEpoch = Number(after["leaseEpoch"] ?? 0);
    if (type === "released" && request.isClaim && this.told.has(`${jobId}/${leaseEpoch}`))
      throw new Violation(4, `a claim gave back epoch ${leaseEpoch}, which its factory was told it holds`);
    if (type !== undefined) this.requests.did(request, { type, jobId, leaseEpoch });
  }

  #remember<T>(where: KeptMap<string, readonly At<T>[]>, id: string, doc: T, by: string): void {
    where.set(id, [...(where.get(id) ?? []), { step: this.#step, doc, by }]);
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

  #sameEvent(jobId: string, event: JobEvent): void {
    const { seq, type, at, actor, data } = event;
    const name = `${jobId}/${seq}`;
    const text = JSON.stringify([type, at, actor ?? null, data]);
    const known = this.events.get(name);
    if (known !== undefined && known !== text) throw new Violation(10, `event ${seq} was two things`);
    if (known === undefined) this.events.set(name, text);
    this.artifacts.see(jobId, event, this.#step);
  }

  #checkPair(id: string): void {
    const job = this.job(id);
    const lease = this.lease(id);
    if (lease !== undefined) checkLease(job, lease);
  }
}
