/**
 * The local host as `npm start` starts it, in a process that tells its parent how it is: its memory twice a second,
 * and the delay of its event loop when it is asked. For `npm run bench:http`, which forks it.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { serve } from "../host/serve.js";

/** What the parent asks: to begin counting the delays, and what they were. */
export type Asked = "begin" | "report";

export type Told =
  | { readonly kind: "memory"; readonly rss: number; readonly heapUsed: number }
  /** Milliseconds by which a timer of `LOOP_RESOLUTION_MS` came late, and the share of time that the loop was busy. */
  | {
      readonly kind: "loop";
      readonly p50Ms: number;
      readonly p99Ms: number;
      readonly maxMs: number;
      readonly busy: number;
    };

const SAMPLE_MS = 500;
const LOOP_RESOLUTION_MS = 10;

const delays = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
let begun = performance.eventLoopUtilization();
delays.enable();

function tell(told: Told): void {
  process.send?.(told);
}

process.on("message", (asked: Asked) => {
  if (asked === "begin") {
    delays.reset();
    begun = performance.eventLoopUtilization();
    return;
  }
  // The histogram has the whole time between two timers.
  const lateMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LOOP_RESOLUTION_MS);
  tell({
    kind: "loop",
    p50Ms: lateMs(delays.percentile(50)),
    p99Ms: lateMs(delays.percentile(99)),
    maxMs: lateMs(delays.max),
    busy: performance.eventLoopUtilization(begun).utilization,
  });
});
// A parent that is gone asks for nothing any more.
process.on("disconnect", () => process.exit(1));
setInterval(() => {
  const { rss, heapUsed } = process.memoryUsage();
  tell({ kind: "memory", rss, heapUsed });
}, SAMPLE_MS);

await serve(process.env);
