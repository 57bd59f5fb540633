import type { Job } from "../schema/job.js";
import { STAGES } from "../schema/stages.js";
import type { ChildrenSummary } from "../schema/wire.js";
import type { Fleet } from "./fleet.js";

/** Where the jobs are that name this one as their parent: a count by index for each stage, side by side. */
export async function countChildren(
  fleet: Fleet,
  parent: Pick<Job, "id" | "productId">,
): Promise<ChildrenSummary> {
  const counted = await Promise.all(
    STAGES.map(
      async (stage) => [stage, await fleet.jobs.countChildren(parent.productId, parent.id, stage)] as const,
    ),
  );
  return {
    total: counted.reduce((sum, [, count]) => sum + count, 0),
    stages: Object.fromEntries(counted),
  };
}
