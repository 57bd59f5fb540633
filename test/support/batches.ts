/** Words for tests of batches. */
import { submitBatch } from "../../shared/core/batch.js";
import type { EntryResult } from "../../shared/core/batch.js";
import { jobIdOf } from "../../shared/core/hash.js";
import { submission } from "../../shared/schema/requests.js";
import { PRODUCT } from "./world.js";
import type { World } from "./world.js";
import type { z } from "zod";

type Given = Partial<z.input<typeof submission>>;

/** A job of a batch, which depends on the jobs of these keys. */
export const entry = (idempotencyKey: string, deps: string[] = [], given: Given = {}) =>
  submission.parse({ idempotencyKey, bodyMd: "Build it.", deps: deps.map((key) => `key:${key}`), ...given });
export const idOf = (key: string) => jobIdOf(PRODUCT, key);
export const send = ({ fleet }: World, ...jobs: readonly z.infer<typeof submission>[]) =>
  submitBatch(fleet, PRODUCT, jobs);
export const kinds = (results: readonly EntryResult[]) => results.map(({ kind }) => kind);
/** Sends a batch, and insists that it is not refused. */
export const results = async (world: World, ...jobs: readonly z.infer<typeof submission>[]) => {
  const batched = await send(world, ...jobs);
  if (batched.kind === "refused") throw new Error(JSON.stringify(batched));
  return batched.results;
};
export const allJobs = async ({ fleet }: World) => (await fleet.jobs.list(PRODUCT, {}, 200)).value;
