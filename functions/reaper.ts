import type { TimerHandler } from "@azure/functions";
import type { Fleet } from "../shared/core/fleet.js";
import type { Log } from "../shared/core/ports/runtime.js";
import { tellSnapshots } from "../shared/core/snapshot.js";
import type { Place } from "../shared/core/snapshot.js";
import { reapAndSweep, startSweep } from "../shared/core/sweep.js";
import type { Sweep } from "../shared/core/sweep.js";
import { timerCorrelation } from "./http/correlation.js";
import { misconfigured } from "./http/failures.js";
import { logTo } from "./http/log.js";
import type { Backend } from "./http/pipeline.js";

/**
 * The timer: gives back what dead factories held, and finishes what nobody lived to finish. A store
 * that does not answer fails the tick, which the platform counts; the next one goes on where it stood.
 */
export function reaperOf(
  backend: Pick<Backend, "clock" | "misconfigured" | "recorder" | "fleet">,
): TimerHandler {
  let sweep: Sweep | undefined;
  const place: Place = { afterProductId: "" };
  return async (_timer, context) => {
    const log = logTo(context, timerCorrelation(context), backend.recorder);
    if (backend.misconfigured !== undefined) {
      misconfigured(backend.misconfigured, log);
      log.decision({ decision: "request_failed", code: "misconfigured" });
      return;
    }
    const fleet = await backend.fleet(log);
    // Kept per instance: a pass is many ticks. With the instance only a place in the walk is lost.
    sweep ??= startSweep(fleet);
    const startedMs = backend.clock.now();
    const { reaped, failed, retired } = await reapAndSweep(fleet, sweep);
    const tookMs = Math.round(backend.clock.now() - startedMs);
    log.decision({ decision: "reaper_pass", reaped, failed, retired, tookMs });
    await lookAround(fleet, place, log);
  };
}

/** Whoever only watches must not fail the tick that works. */
async function lookAround(fleet: Fleet, place: Place, log: Log): Promise<void> {
  try {
    await tellSnapshots(fleet, place);
  } catch (error) {
    log.warn(`no snapshot: ${error instanceof Error ? error.message : "unknown"}`);
  }
}
