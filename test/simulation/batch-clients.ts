/** A client that submits batches, and how its answers are judged. */
import type { z } from "zod";
import { submitBatch } from "../../shared/core/batch.js";
import type { Batched, EntryResult } from "../../shared/core/batch.js";
import { resolveName } from "../../shared/core/content.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { StoreThrottled } from "../../shared/core/ports/store.js";
import { submission } from "../../shared/schema/requests.js";
import type { Submission } from "../../shared/schema/requests.js";
import { effectsOf, tell } from "./answer-rules.js";
import type { Told } from "./answer-rules.js";
import { contentOf } from "./history.js";
import { checkSubmitted } from "./queue-clients.js";
import type { Self } from "./run.js";
import { Violation } from "./violation.js";

export function doBatch(self: Self, jobs: readonly Partial<z.input<typeof submission>>[]) {
  const entries = jobs.map((job) => submission.parse({ bodyMd: "content", ...job }));
  return tell(
    self,
    undefined,
    (fleet) => submitBatch(fleet, self.productId, entries),
    (answer, told) => {
      checkBatched(told, entries, answer);
    },
  );
}

interface Entry {
  readonly jobId: string;
  readonly content: string;
  readonly deps: readonly string[];
  /** What of all that the batch did was done to this job. */
  readonly told: Told;
}

function checkBatched(told: Told, entries: readonly Submission[], answer: Batched): void {
  const { productId } = told.self;
  const all = entries.map((entry): Entry => {
    const jobId = jobIdOf(productId, entry.idempotencyKey);
    const deps = entry.deps.map((dep) => resolveName(productId, dep));
    const effects = told.effects.filter((effect) => effect.jobId === jobId);
    return { jobId, deps, content: contentOf({ ...entry, deps }), told: { ...told, effects } };
  });
  if (answer.kind === "refused") {
    const [did] = effectsOf(told);
    if (did !== undefined) throw new Violation(3, `a batch was refused, yet it ${did}`);
    if (answer.errors.length === 0) throw new Violation(3, "a batch was refused for nothing");
    for (const { index, refusal } of answer.errors) {
      const entry = all[index];
      if (entry === undefined) throw new Violation(3, "an error is of no entry");
      if (refusal.kind === "idempotency_conflict" || refusal.kind === "unknown_dependency")
        checkSubmitted(entry.told, entry.jobId, entry.content, entry.deps, refusal);
      if (refusal.kind === "unknown_dependency") checkUnknown(all, entry, refusal.missing);
    }
    return;
  }
  if (answer.results.length !== all.length) throw new Violation(3, "a batch was not answered for each entry");
  for (const [index, result] of answer.results.entries()) {
    const entry = all[index];
    if (entry !== undefined) checkEntry(all, entry, result, answer.results);
  }
}

function checkEntry(
  all: readonly Entry[],
  entry: Entry,
  result: EntryResult,
  results: readonly EntryResult[],
): void {
  const { told, jobId, content, deps } = entry;
  const accepted = (id: string): boolean => {
    const index = all.findIndex((other) => other.jobId === id);
    const of = results[index];
    return index === -1 || (of !== undefined && "job" in of);
  };
  if ("job" in result) {
    if (result.job.id !== jobId) throw new Violation(7, "an entry was acknowledged with another's job");
    if (!deps.every(accepted)) throw new Violation(12, "an entry was accepted before what it depends on");
  }
  if (result.kind === "store_failed" || result.kind === "not_tried") {
    const [did] = effectsOf(told);
    const surelyNot = result.kind === "not_tried" || result.error instanceof StoreThrottled;
    if (surelyNot && did !== undefined)
      throw new Violation(3, `an entry was told ${result.kind}, yet it ${did}`);
    const failed = results.some(({ kind }) => kind === "store_failed");
    if (result.kind === "not_tried" && result.because === undefined && !failed)
      throw new Violation(3, "an entry was not tried, though nothing failed");
    return;
  }
  if (result.kind === "unknown_dependency") checkUnknown(all, entry, result.missing);
  checkSubmitted(told, jobId, content, deps, result);
}

/** 12: what the batch itself submits is never unknown to it. */
function checkUnknown(all: readonly Entry[], { told }: Entry, missing: readonly string[]): void {
  const own = missing.map((name) => resolveName(told.self.productId, name));
  if (all.some(({ jobId }) => own.includes(jobId)))
    throw new Violation(12, "a batch does not know its own job");
}
