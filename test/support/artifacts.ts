/** Words for tests of artifacts, on a real Azurite. */
import { createHash } from "node:crypto";
import { addArtifact } from "../../shared/core/add-artifact.js";
import { listArtifacts } from "../../shared/core/list-artifacts.js";
import type { ListedArtifact } from "../../shared/core/list-artifacts.js";
import type { Blobs } from "../../shared/core/ports/blobs.js";
import type { Store } from "../../shared/core/ports/store.js";
import type { ArtifactRequest } from "../../shared/schema/requests.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim, stored } from "./world.js";
import type { World } from "./world.js";

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

export const f1 = { factoryId: "f1", leaseEpoch: 1 };
export const LOG = { ...f1, name: "log.txt", contentType: "text/plain" };

let keys = 0;
/** A job of f1 at epoch 1. Blobs outlive a test, so each has a job of its own. */
export async function aClaimedJob(store: Store, blobs: Blobs) {
  const world = aWorld(store, { blobs });
  const job = await aJob(world, { idempotencyKey: `k${++keys}` });
  await mustClaim(world, await aFactory(world, "f1"));
  return { world, jobId: job.id, job };
}

/** Registers, and insists that it is accepted. */
export async function mustAdd(world: World, jobId: string, request: ArtifactRequest = LOG, key?: string) {
  const added = await addArtifact(world.fleet, PRODUCT, jobId, request, key);
  if (added.kind !== "artifact_added") throw new Error(`not added: ${added.kind}`);
  return added;
}

export async function list(world: World, jobId: string): Promise<ListedArtifact[]> {
  const job = await stored(world, { id: jobId, productId: PRODUCT });
  return (await listArtifacts(world.fleet, job, 50)).value;
}

/** How many artifacts the job's events tell of. */
export async function addedEvents(world: World, jobId: string): Promise<number> {
  const job = await stored(world, { id: jobId, productId: PRODUCT });
  const kept = (await world.fleet.events.list(jobId, 100)).value;
  const last = kept.at(-1)?.seq ?? 0;
  const all = [...kept, ...job.outbox.filter(({ seq }) => seq > last)];
  return all.filter(({ type }) => type === "artifact_added").length;
}
