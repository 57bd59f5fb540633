import type { Factory } from "../schema/factory.js";
import { toInstant } from "../schema/primitives.js";
import type { EmptyClaimReason } from "../schema/wire.js";
import type { Fleet } from "./fleet.js";

/** Waiting jobs looked at to say what this factory lacks: a sample of the head is what an operator needs. */
const WAITING_SAMPLE_MAX = 50;
/** Capabilities named in the answer, the most often asked for first. */
const MISSING_MAX = 10;

/** Why a claim found no candidate: nothing waits, or nothing that this factory can take. */
export async function whyNothing(
  fleet: Fleet,
  factory: Factory,
): Promise<{ reason: EmptyClaimReason; missing?: string[] }> {
  const waiting = await fleet.jobs.waiting(
    factory.productId,
    toInstant(fleet.clock.now()),
    WAITING_SAMPLE_MAX,
  );
  const asked = new Map<string, number>();
  for (const job of waiting) {
    const lacks = job.capabilities.filter((capability) => !factory.capabilities.includes(capability));
    if (job.engineClass !== undefined && !factory.engines.includes(job.engineClass))
      lacks.push(job.engineClass);
    // Queued after we looked for candidates: it is there for the next claim.
    if (lacks.length === 0) return { reason: "contended" };
    for (const capability of lacks) asked.set(capability, (asked.get(capability) ?? 0) + 1);
  }
  if (waiting.length === 0) return { reason: "no_job" };
  const missing = [...asked].sort((a, b) => b[1] - a[1]).map(([capability]) => capability);
  return { reason: "no_matching_capabilities", missing: missing.slice(0, MISSING_MAX) };
}
