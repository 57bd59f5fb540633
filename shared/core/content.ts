/** What a submission says: the part of a job that its key may be submitted with again, or superseded in. */
import { rankOf } from "../schema/job.js";
import type { Submission } from "../schema/requests.js";
import { omit } from "../schema/omit.js";
import { hashJson, jobIdOf } from "./hash.js";
import { laneOf } from "./lanes.js";

/** A submission apart from its key: with defaults, and with deps and parent as ids. */
export type Content = Omit<Submission, "idempotencyKey">;

/** The content of a submission whose deps are these ids. */
export function contentOf(productId: string, submission: Submission, deps: string[]): Content {
  const { parentId } = submission;
  return {
    ...omit(submission, "idempotencyKey"),
    deps,
    ...(parentId === undefined ? {} : { parentId: resolveName(productId, parentId) }),
  };
}

/** The fields of a job that say what it is to do. */
export function contentFields(content: Content) {
  return {
    ...content,
    priorityRank: rankOf(content.priority),
    lane: laneOf(content),
    contentHash: contentHashOf(content),
  };
}

/** Sets are hashed as sets: naming the same deps or capabilities in another order is the same content. */
export function contentHashOf(content: Content): string {
  return hashJson({
    ...content,
    // As it was hashed before there was a choice.
    ...(content.onDependencyFailure === "block" ? { onDependencyFailure: undefined } : {}),
    deps: content.deps.toSorted(),
    capabilities: content.capabilities.toSorted(),
  });
}

/** The ids of the deps, each once, in the order given, with the name that it was given by. */
export function resolveDeps(productId: string, deps: readonly string[]): Map<string, string> {
  return new Map(deps.map((dep) => [resolveName(productId, dep), dep]));
}

const BY_KEY = "key:";

/** The id of the job that `name` means: `key:` names a job of the same product by its idempotency key. */
export function resolveName(productId: string, name: string): string {
  return name.startsWith(BY_KEY) ? jobIdOf(productId, name.slice(BY_KEY.length)) : name;
}

/** How a job that may not be there yet is named. */
export function nameOfKey(idempotencyKey: string): string {
  return `${BY_KEY}${idempotencyKey}`;
}
