/**
 * What tells two moments apart beside the documents: of each request under way, what it did and what was
 * in force since it began, for its answer will be held against that; of each blocked job, whether its
 * deps were satisfied meanwhile. Two moments alike in all this have the same future.
 */
import type { Job } from "../../shared/schema/job.js";
import type { Lease } from "../../shared/schema/lease.js";
import type { Profile } from "../../shared/schema/profile.js";
import { satisfiesDependants } from "../../shared/schema/stages.js";
import type { KeptMap } from "./memory.js";
import { during, essence, essenceOfLease } from "./seen.js";
import type { At, Request } from "./seen.js";

interface Watched {
  readonly jobs: ReadonlyMap<string, readonly At<Job>[]>;
  readonly leases: ReadonlyMap<string, readonly At<Lease>[]>;
  readonly profiles: ReadonlyMap<string, readonly At<Profile>[]>;
  readonly owners: KeptMap<string, string>;
  readonly grants: KeptMap<string, unknown>;
  readonly told: KeptMap<string, true>;
  readonly artifacts: { readonly all: ReadonlyMap<string, { readonly step: number }> };
}

export function fingerprintOf(watched: Watched, underWay: readonly Request[]): string {
  const requests = underWay.map(({ by, effects, uncertain, shownOld, from }) =>
    [
      by.split("#")[0],
      JSON.stringify(effects),
      uncertain,
      shownOld,
      sinceThen(watched, from),
      addedSince(watched, from),
    ].join(),
  );
  const waiting = [...watched.jobs.values()].flatMap((history) => {
    const last = history.at(-1);
    if (last?.doc.stage !== "blocked") return [];
    return [last.doc.id, ...last.doc.deps.map((dep) => satisfiedSince(watched, dep, last.step))];
  });
  const known = [watched.owners, watched.grants, watched.told].map((map) => map.about(sorted));
  return [...requests.sort(), ...waiting, ...known].join("|");
}

/** The artifacts that a listing which began at `from` need not show. */
function addedSince({ artifacts }: Watched, from: number): string[] {
  return [...artifacts.all].flatMap(([id, { step }]) => (step > from ? [id] : [])).sort();
}

function sorted(entries: ReadonlyMap<string, unknown>): string {
  return JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function satisfiedSince({ jobs }: Watched, id: string, from: number): string {
  const modes = (["hard", "soft"] as const).filter((mode) =>
    during(jobs.get(id), from).some(({ doc }) => satisfiesDependants(doc.stage, mode)),
  );
  return modes.join();
}

/** What was in force at some instant from `from` to now, of each job and its lease: in which order is no matter. */
function sinceThen({ jobs, leases, profiles }: Watched, from: number): string[] {
  const latest = [...profiles.values()].flatMap((history) => during(history, from).map(({ doc }) => doc.id));
  const pairs = [...jobs].flatMap(([id, history]) => {
    const held = during(leases.get(id), from);
    return during(history, from).flatMap(({ step, doc }, place, versions) => {
      const begin = Math.max(step, from);
      const end = versions[place + 1]?.step ?? Infinity;
      const first = held.findLast((lease) => lease.step <= begin);
      const later = held.filter((lease) => lease.step > begin && lease.step < end);
      return [first, ...later].map((lease) => id + essence(doc) + (lease ? essenceOfLease(lease.doc) : ""));
    });
  });
  return [...new Set([...pairs, ...latest])].sort();
}
