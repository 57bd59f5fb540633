/** Every retry is bounded, waits between two tries, and ends with an answer that is true. */
import { expect, it } from "vitest";
import { backOff, changeJob, operation } from "../../shared/core/change-job.js";
import { claim } from "../../shared/core/claim.js";
import type { Fleet } from "../../shared/core/fleet.js";
import { heartbeat } from "../../shared/core/heartbeat.js";
import { StoreThrottled, StoreUnavailable } from "../../shared/core/ports/store.js";
import { reap } from "../../shared/core/reap.js";
import { renew } from "../../shared/core/renew.js";
import { submit } from "../../shared/core/submit.js";
import { submission } from "../../shared/schema/requests.js";
import { intercept } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const beat = { factoryId: "f1", capabilities: [], engines: [], seatLimit: 1, load: 0, health: "ok" as const };

interface Attempt {
  readonly container: string;
  readonly tries: number;
  readonly ends: typeof StoreThrottled | typeof StoreUnavailable;
  prepare: (world: World) => Promise<unknown>;
  run: (fleet: Fleet, jobId: string) => Promise<unknown>;
}

const owned = async (world: World): Promise<unknown> => mustClaim(world, await aFactory(world, "f1"));

const ATTEMPTS: Record<string, Attempt> = {
  "a change of a job": {
    container: "fleet_jobs",
    tries: 20,
    ends: StoreThrottled,
    prepare: () => Promise.resolve(),
    run: (fleet, jobId) =>
      changeJob(fleet, {
        productId: PRODUCT,
        jobId,
        operation: operation(fleet, { route: "test" }, {}),
        storeEvents: "always",
        judge: (job) => ({ kind: "write", next: job, answer: undefined }),
        repeated: () => undefined,
      }),
  },
  "a claim's lease": {
    container: "fleet_leases",
    tries: 8,
    ends: StoreUnavailable,
    prepare: (world) => aFactory(world, "f1"),
    run: (fleet) => claim(fleet, PRODUCT, { factoryId: "f1" }),
  },
  "a renewal": {
    container: "fleet_leases",
    tries: 8,
    ends: StoreUnavailable,
    prepare: owned,
    run: (fleet, jobId) => renew(fleet, PRODUCT, jobId, who),
  },
  "a revocation": {
    container: "fleet_leases",
    tries: 8,
    ends: StoreUnavailable,
    prepare: async (world) => {
      await owned(world);
      world.clock.advance(1000);
    },
    run: (fleet, jobId) => reap(fleet, PRODUCT, jobId),
  },
  "a heartbeat": {
    container: "fleet_factories",
    tries: 8,
    ends: StoreThrottled,
    // Of a factory that was there before: another is always faster, with an older time.
    prepare: async (world) => {
      await aFactory(world, "f1");
      world.clock.advance(1);
    },
    run: (fleet) => heartbeat(fleet, PRODUCT, beat),
  },
};

it("waits exponentially longer, bounded, and by chance", async () => {
  const waits: number[] = [];
  const pause = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
  for (let attempt = 1; attempt <= 8; attempt++)
    await backOff({ pause, random: { next: () => 0.5 } }, attempt);
  expect(waits).toEqual([4, 8, 16, 32, 64, 125, 125, 125]);
});

onEachStore("tries", (open) => {
  it.each(Object.entries(ATTEMPTS))(
    "of %s are bounded, with a wait before each but the first",
    async (_what, { container, tries, ends, prepare, run }) => {
      const store = await open();
      const world = aWorld(store);
      const job = await aJob(world, { idempotencyKey: "a" });
      await prepare(world);
      let tried = 0;
      const busy = intercept(store, (call, proceed) => {
        if (call.container !== container) return proceed();
        if (call.method === "create") return Promise.resolve({ kind: "exists" as const, tried: ++tried });
        if (call.method === "replaceIfMatch")
          return Promise.resolve({ kind: "etag_mismatch" as const, tried: ++tried });
        return proceed();
      });
      const waits: number[] = [];
      const { fleet } = aWorld(busy, { name: "two", clock: world.clock, chance: 1 });
      const pause = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
      await expect(run({ ...fleet, pause }, job.id)).rejects.toThrow(ends);
      expect(tried).toBe(tries);
      const longest = [8, 16, 32, 64, 128, ...Array<number>(20).fill(250)];
      expect(waits).toEqual(longest.slice(0, tries - 1));
    },
  );

  it("of a submission whose creates get no answer are three, and then nobody knows", async () => {
    let creates = 0;
    const silent = intercept(await open(), (call, proceed) => {
      if (call.method !== "create") return proceed();
      creates++;
      return Promise.reject(new StoreUnavailable("no answer"));
    });
    const { fleet } = aWorld(silent);
    const sent = submit(fleet, PRODUCT, submission.parse({ idempotencyKey: "a", bodyMd: "x" }));
    await expect(sent).rejects.toThrow(StoreUnavailable);
    expect(creates).toBe(3);
  });
});
