import { describe, expect, it } from "vitest";
import { lazyMonitoring } from "../../shared/telemetry/lazy-monitoring.js";
import type { Monitoring } from "../../shared/telemetry/lazy-monitoring.js";

const never = new Promise<never>(() => undefined);
const noTime = (): Promise<void> => Promise.resolve();

function aMonitoring(close: () => Promise<void> = () => Promise.resolve()) {
  const heard: unknown[] = [];
  const monitoring: Monitoring = {
    decision: (told) => heard.push(told.decision),
    answered: (...told) => heard.push(told),
    stored: (...told) => heard.push(told),
    charged: (...told) => heard.push(told),
    close,
  };
  return { heard, monitoring };
}

describe("monitoring that is still loading", () => {
  it("hears afterwards, in order, what it was told meanwhile", async () => {
    const { heard, monitoring } = aMonitoring();
    const loading = Promise.withResolvers<Monitoring>();
    const lazy = lazyMonitoring(
      () => loading.promise,
      () => never,
    );
    lazy.decision({ decision: "reaper_pass", reaped: 0, failed: 0, retired: 0, tookMs: 1 });
    lazy.stored("read", "done", 1);
    lazy.charged("read", "fleet_jobs", 1.5);
    lazy.answered("claim", 200, 2);
    expect(heard).toEqual([]);
    loading.resolve(monitoring);
    await lazy.close();
    expect(heard).toEqual([
      "reaper_pass",
      ["read", "done", 1],
      ["read", "fleet_jobs", 1.5],
      ["claim", 200, 2],
    ]);
  });

  it("that can't be loaded says so once, without what may be a secret, and harms nobody", async () => {
    const lazy = lazyMonitoring(
      () => Promise.reject(new TypeError("InstrumentationKey=s3cret")),
      () => never,
    );
    lazy.answered("claim", 200, 2);
    await lazy.close();
    expect(lazy.trouble()).toBe("metrics are not exported: TypeError while loading");
    expect(lazy.trouble()).toBeUndefined();
  });

  it("has a bounded end, whether it never loads, never sends, or fails to", async () => {
    await lazyMonitoring(() => never, noTime).close();
    await lazyMonitoring(() => Promise.resolve(aMonitoring(() => never).monitoring), noTime).close();
    const failing = aMonitoring(() => Promise.reject(new Error("no route"))).monitoring;
    await lazyMonitoring(
      () => Promise.resolve(failing),
      () => never,
    ).close();
  });
});
