import type { Recorder } from "../core/ports/recorder.js";
import type { Pause } from "../core/ports/runtime.js";

/** How long the end of an instance waits for the last metrics to be sent, in milliseconds. */
const CLOSE_MS_MAX = 3000;

/** What exports, once it is loaded. */
export type Monitoring = Recorder & { close(): Promise<void> };

export interface LazyMonitoring extends Recorder {
  /** Why nothing is exported, told once; undefined when all is well, or not known yet. Never a setting's value. */
  trouble(): string | undefined;
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>;
}

/**
 * Monitoring that loads beside the first requests. What it is told meanwhile it hears afterwards, in
 * order; if it can't be loaded, the fleet works all the same.
 */
export function lazyMonitoring(load: () => Promise<Monitoring>, pause: Pause): LazyMonitoring {
  let trouble: string | undefined;
  const loaded = load().catch((error: unknown) => {
    // Its message may quote the connection string.
    trouble = `metrics are not exported: ${error instanceof Error ? error.name : "unknown"} while loading`;
    return undefined;
  });
  const hear = (tell: (monitoring: Monitoring) => void): void => {
    void loaded.then((monitoring) => {
      if (monitoring !== undefined) tell(monitoring);
    });
  };
  return {
    decision: (decision) => {
      hear((monitoring) => {
        monitoring.decision(decision);
      });
    },
    answered: (route, status, tookMs) => {
      hear((monitoring) => {
        monitoring.answered(route, status, tookMs);
      });
    },
    stored: (operation, outcome, tookMs) => {
      hear((monitoring) => {
        monitoring.stored(operation, outcome, tookMs);
      });
    },
    charged: (operation, container, requestUnits) => {
      hear((monitoring) => {
        monitoring.charged(operation, container, requestUnits);
      });
    },
    trouble: () => {
      const told = trouble;
      trouble = undefined;
      return told;
    },
    close: async () => {
      const closed = loaded.then((monitoring) => monitoring?.close()).catch(() => undefined);
      await Promise.race([closed, pause(CLOSE_MS_MAX)]);
    },
  };
}
