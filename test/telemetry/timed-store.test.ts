import { describe, expect, it } from "vitest";
import type { Recorder, StoreOutcome } from "../../shared/core/ports/recorder.js";
import { StoreMisconfigured, StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { timedStore } from "../../shared/telemetry/timed-store.js";
import { openSqliteStore } from "../../shared/store/sqlite-store.js";
import { intercept } from "../support/intercept.js";
import { TestClock, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";

type Heard = Parameters<Recorder["stored"]>;

/** A store whose requests each take 5 ms, as a recorder hears of it. `failing` is what they throw. */
function aTimedStore(failing?: () => unknown) {
  const clock = new TestClock();
  const heard: Heard[] = [];
  const slow = intercept(openSqliteStore({ path: ":memory:" }), async (_call, proceed) => {
    clock.ms += 5;
    if (failing !== undefined) throw failing();
    return proceed();
  });
  const recorder: Recorder = {
    decision: () => undefined,
    answered: () => undefined,
    stored: (...told) => heard.push(told),
    charged: () => undefined,
  };
  return { clock, heard, store: timedStore(slow, clock, recorder) };
}

describe("a store that is timed", () => {
  it("does what the store does", async () => {
    const { clock, heard, store } = aTimedStore();
    const world = aWorld(store, { clock });
    const job = await aJob(world, { idempotencyKey: "a" });
    expect((await mustClaim(world, await aFactory(world, "f1"))).job.id).toBe(job.id);
    await store.ping();
    expect(heard.length).toBeGreaterThan(5);
    // The clock goes on by 5 ms with each request: those of a claim that run side by side see each other's time.
    expect(new Set(heard.map(([, outcome]) => outcome))).toEqual(new Set(["done"]));
    expect(Math.min(...heard.map(([, , ms]) => ms))).toBe(5);
    expect(heard.at(-1)).toEqual(["ping", "done", 5]);
    expect(heard.map(([operation]) => operation)).toEqual(
      expect.arrayContaining(["create", "read", "query", "count", "replaceIfMatch", "ping"]),
    );
  });

  const failures: [Error, StoreOutcome][] = [
    [new StoreThrottled(1), "throttled"],
    [new StoreUnavailable("gone"), "unavailable"],
    [new StoreMisconfigured("weak"), "misconfigured"],
    [new TypeError("a bug"), "failed"],
  ];
  it.each(failures)(
    "says how a request failed, and throws what the store threw: %s",
    async (error, outcome) => {
      const { heard, store } = aTimedStore(() => error);
      await expect(store.read("fleet_jobs", "acme", "j1")).rejects.toBe(error);
      expect(heard).toEqual([["read", outcome, 5]]);
    },
  );
});
