import type { TimerHandler } from "@azure/functions";
import { reapAndSweep, startSweep } from "../shared/core/sweep.js";
import type { Sweep } from "../shared/core/sweep.js";
import { misconfigured } from "./http/failures.js";
import { logTo } from "./http/log.js";
import type { Backend } from "./http/pipeline.js";

/**
 * The timer: gives back what dead factories held, and finishes what nobody lived to finish. A store
 * that does not answer fails the tick, which the platform counts; the next one goes on where it stood.
 */
export function reaperOf(backend: Pick<Backend, "misconfigured" | "fleet">): TimerHandler {
  let sweep: Sweep | undefined;
  return async (_timer, context) => {
    const log = logTo(context);
    if (backend.misconfigured !== undefined) {
      misconfigured(backend.misconfigured, log);
      return;
    }
    const fleet = await backend.fleet(log);
    // Kept per instance: a pass is many ticks. With the instance only a place in the walk is lost.
    sweep ??= startSweep(fleet);
    const { reaped, failed } = await reapAndSweep(fleet, sweep);
    log.info(`${reaped} jobs given back, ${failed} steps left to the next pass`);
  };
}
