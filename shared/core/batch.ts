/**
 * Batch: up to a hundred submissions that may depend on one another by key, in any order.
 *
 * | step | if it dies after this step |
 * |---|---|
 * | B1 sort: dependencies first; a cycle or a key given twice is refused | nothing happened |
 * | B2 rehearse: every entry is submitted, in that order, to memory. Who would be refused is refused now, and all with it | nothing happened |
 * | B3 submit them, in that order, as if each had come alone | what is written stays. The same batch again finds it `existing` and completes the rest |
 *
 * There is no transaction: between B2 and B3, or in the middle of B3, others may write, and the store may
 * fail. Then the entry says so, those that depend on it are not tried, and the rest is done. After the store
 * failed once, no further entry is begun: hundreds of requests are no help to a store in trouble.
 *
 * An entry is submitted after those it depends on were acknowledged, so none of them is ever unknown.
 */
import type { Submission } from "../schema/requests.js";
import { nameOfKey, resolveDeps } from "./content.js";
import type { Fleet } from "./fleet.js";
import { inLevels } from "./graph.js";
import { jobIdOf } from "./hash.js";
import { StoreThrottled, StoreUnavailable } from "./ports/store.js";
import { rehearsing } from "./rehearsal.js";
import { submit } from "./submit.js";
import type { SubmitRefusal, Submitted } from "./submit.js";

/** Entries under way at once: a job with deps is some five store requests, one after the other. */
const AT_ONCE = 8;

export type EntryRefusal = SubmitRefusal | { kind: "duplicate_key"; first: number };

export type EntryResult =
  | Submitted
  /** Throttled: nothing was done. Unavailable: nobody knows. */
  | { kind: "store_failed"; error: StoreThrottled | StoreUnavailable }
  /** Nothing was done: an entry that it depends on, directly or not, was refused, or the store failed before. */
  | { kind: "not_tried"; because?: { readonly index: number; readonly refusal: SubmitRefusal } };

/** Nothing was written. */
export interface BatchRefused {
  readonly kind: "refused";
  readonly errors: readonly { readonly index: number; readonly refusal: EntryRefusal }[];
}
export type Batched =
  | BatchRefused
  /** One for each entry, in the order given. */
  | { kind: "done"; results: readonly EntryResult[] };

interface Batch {
  readonly productId: string;
  readonly jobs: readonly Submission[];
  /** The entries that each depends on. */
  readonly edges: readonly (readonly number[])[];
  readonly levels: readonly (readonly number[])[];
}

/**
 * Submits them all, or refuses them all for what can be seen before. Throws what the store threw when it
 * acknowledged no entry at all.
 */
export async function submitBatch(
  fleet: Fleet,
  productId: string,
  jobs: readonly Submission[],
): Promise<Batched> {
  const ids = jobs.map(({ idempotencyKey }) => jobIdOf(productId, idempotencyKey));
  const places = new Map<string, number>();
  const errors: { index: number; refusal: EntryRefusal }[] = [];
  for (const [index, id] of ids.entries()) {
    const first = places.get(id);
    if (first === undefined) places.set(id, index);
    else errors.push({ index, refusal: { kind: "duplicate_key", first } });
  }
  if (errors.length > 0) return { kind: "refused", errors };

  const edges = jobs.map(({ deps }) =>
    [...resolveDeps(productId, deps).keys()].flatMap((id) => places.get(id) ?? []),
  );
  // Of a job that is not there yet nobody knows the id.
  const names = new Map(jobs.map(({ idempotencyKey }, index) => [ids[index], nameOfKey(idempotencyKey)]));
  const nameOf = (id: string): string => names.get(id) ?? id;
  const graph = inLevels(edges);
  if (graph.kind === "cyclic") {
    const cycle = graph.cycle.map((index) => nameOf(ids[index] ?? ""));
    return {
      kind: "refused",
      errors: [{ index: graph.cycle[0] ?? 0, refusal: { kind: "dependency_cycle", cycle } }],
    };
  }

  const batch: Batch = { productId, jobs, edges, levels: graph.levels };
  const rehearsed = await submitAll(rehearsing(fleet), batch);
  for (const [index, result] of rehearsed.entries()) {
    if (result.kind === "store_failed") throw result.error;
    if ("job" in result || result.kind === "not_tried") continue;
    errors.push({ index, refusal: renamed(result, nameOf) });
  }
  if (errors.length > 0) return { kind: "refused", errors };

  const results = await submitAll(fleet, batch);
  if (results.every(({ kind }) => kind === "store_failed" || kind === "not_tried")) {
    const failures = results.flatMap((result): Error[] =>
      result.kind === "store_failed" ? [result.error] : [],
    );
    // That nothing was done can be said only where each of them says so.
    const unsure = failures.find((error) => !(error instanceof StoreThrottled));
    throw unsure ?? failures[0] ?? new Error("a batch without entries");
  }
  return { kind: "done", results };
}

/** The refusal of an entry, in names that whoever sent the batch knows. */
function renamed(refusal: SubmitRefusal, nameOf: (id: string) => string): SubmitRefusal {
  if (refusal.kind === "dependency_cycle") return { ...refusal, cycle: refusal.cycle.map(nameOf) };
  if (refusal.kind === "dependency_order") return { ...refusal, deps: refusal.deps.map(nameOf) };
  return refusal;
}

/** Submits each entry after those it depends on. A failing store is a result, any other error is thrown when all have ended. */
async function submitAll(fleet: Fleet, { productId, jobs, edges, levels }: Batch): Promise<EntryResult[]> {
  const results: EntryResult[] = [];
  let storeFailed = false;
  const one = async (index: number, submission: Submission): Promise<EntryResult> => {
    for (const dep of edges[index] ?? []) {
      const before = results[dep];
      if (before?.kind === "not_tried") return before;
      if (before === undefined || before.kind === "store_failed") return { kind: "not_tried" };
      if (!("job" in before)) return { kind: "not_tried", because: { index: dep, refusal: before } };
    }
    if (storeFailed) return { kind: "not_tried" };
    try {
      return await submit(fleet, productId, submission);
    } catch (error) {
      if (!(error instanceof StoreThrottled || error instanceof StoreUnavailable)) throw error;
      storeFailed = true;
      return { kind: "store_failed", error };
    }
  };
  for (const level of levels) {
    const waiting = [...level];
    const worker = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const submission = jobs[index];
        if (submission !== undefined) results[index] = await one(index, submission);
      }
    };
    // All of them end before this does: nothing runs on after an answer.
    const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
    for (const each of ended) if (each.status === "rejected") throw each.reason;
  }
  return results;
}
