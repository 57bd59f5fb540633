/** What must be so after a run under faults: what was told, against what was stored; and that nothing is left undone. */
import type { JobEvent } from "../../shared/schema/event.js";
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import type { Run } from "../../shared/schema/run.js";
import type { Held, Told } from "./faulty-fleet.js";
import type { Watch } from "./watch.js";

type Event = Pick<JobEvent, "type" | "actor" | "data"> & { jobId: string };

/** No answer was contradicted later. Throws at the first that was. */
export function checkTold({ monitor }: Watch, told: Told, jobs: number): void {
  const events = [...monitor.events].map(([name, text]): Event => {
    const [type, , actor, data] = JSON.parse(text) as [Event["type"], string, string, Event["data"]];
    return { jobId: name.slice(0, name.lastIndexOf("/")), type, actor, data };
  });
  const byJob = Map.groupBy(events, ({ jobId }) => jobId);
  const count = (type: string, { jobId, leaseEpoch, factoryId }: Held): number =>
    (byJob.get(jobId) ?? []).filter(
      (event) => event.type === type && event.data["leaseEpoch"] === leaseEpoch && event.actor === factoryId,
    ).length;
  must(told.submitted.size === jobs, `${told.submitted.size} jobs were accepted of ${jobs}`);
  must(monitor.jobs.size === jobs, `${monitor.jobs.size} jobs are there of ${jobs}`);
  for (const type of ["claimed", "shipped", "released"] as const)
    for (const held of told[type])
      must(
        count(type, held) === 1,
        `${type} ${nameOf(held)} was told, and is there ${count(type, held)} times`,
      );
  for (const held of told.refused)
    must(count("shipped", held) === 0, `${nameOf(held)} was refused, and shipped all the same`);
  for (const id of told.submitted.keys()) {
    const job = monitor.job(id);
    const of = (type: string) => (byJob.get(id) ?? []).filter((event) => event.type === type);
    must(
      job?.stage === "shipped" && of("shipped").length === 1,
      `${id} shipped ${of("shipped").length} times`,
    );
    const last = told.shipped.find(({ jobId }) => jobId === id);
    must(
      last?.leaseEpoch === job.leaseEpoch,
      `${id} was shipped by another than the holder of its last epoch`,
    );
    must(job.attempt === of("claimed").length - of("released").length, `${id}: ${job.attempt} attempts`);
  }
}

/** When the faults are over and the sweep has been by: what is undone; undefined when nothing is. */
export function whatIsUndone(watch: Watch): string | undefined {
  const { monitor } = watch;
  for (const job of watch.documents("fleet_jobs") as unknown as Job[]) {
    if (job.dirty === true) return `${job.id} is dirty`;
    if (monitor.storedEvents(job.id).size !== job.eventSeq) return `events of ${job.id} are not stored`;
  }
  for (const lease of watch.documents("fleet_leases") as unknown as Lease[])
    if (lease.status === "held") return `the lease of ${lease.id} is held`;
  const runs = watch.documents("fleet_runs") as unknown as Run[];
  for (const run of runs) if (run.endedAt === undefined) return `the run ${run.id} is open`;
  const claims = [...monitor.events.values()].filter((text) => text.startsWith('["claimed"')).length;
  if (runs.length !== claims) return `${runs.length} runs are stored of ${claims}`;
  try {
    monitor.ledger.checkComplete();
  } catch (error) {
    return String(error);
  }
  return undefined;
}

function nameOf({ jobId, leaseEpoch, factoryId }: Held): string {
  return `${factoryId} at ${jobId}/${leaseEpoch}`;
}

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
