/** The lease follows the job: who may take it, who ends it, and what a lost answer means. */
import { describe, expect, it } from "vitest";
import { claim } from "../../shared/core/claim.js";
import { isHeldBy, settleLease } from "../../shared/core/lease-writes.js";
import { patch } from "../../shared/core/patch.js";
import { StoreUnavailable } from "../../shared/core/ports/store.js";
import { reap } from "../../shared/core/reap.js";
import { release } from "../../shared/core/release.js";
import { renew } from "../../shared/core/renew.js";
import { omit } from "../../shared/schema/omit.js";
import type { Lease } from "../../shared/schema/lease.js";
import { aDocument } from "../support/documents.js";
import { intercept, justBefore, writes } from "../support/intercept.js";
import { onEachStore } from "../support/on-each-store.js";
import { PRODUCT, aFactory, aJob, aWorld, mustClaim } from "../support/world.js";
import type { World } from "../support/world.js";

const who = { factoryId: "f1", leaseEpoch: 1 };
const leaseOf = async ({ fleet }: World, jobId: string): Promise<Lease | undefined> =>
  (await fleet.leases.get(jobId, jobId))?.doc;

onEachStore("taking a lease", (open) => {
  it("never overwrites the lease of a later owner: who was that slow is told contended", async () => {
    const store = await open();
    const world = aWorld(store);
    const job = await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    // Between C1 and C2 the job is reaped, and claimed by another.
    const slow = justBefore(store, writes("fleet_leases"), async () => {
      world.clock.advance(100);
      await reap(world.fleet, PRODUCT, job.id);
      await mustClaim(world, await aFactory(world, "f2"));
    });
    const late = aWorld(slow, { name: "two", clock: world.clock });
    expect(await claim(late.fleet, PRODUCT, { factoryId: "f1" })).toEqual({
      kind: "nothing",
      reason: "contended",
    });
    expect(await leaseOf(world, job.id)).toMatchObject({
      status: "held",
      leaseEpoch: 3,
      holderFactoryId: "f2",
    });
  });

  it("is tried again when its create got no answer, and did not happen", async () => {
    const store = await open();
    const world = aWorld(store);
    await aJob(world, { idempotencyKey: "a" });
    await aFactory(world, "f1");
    let creates = 0;
    const unlucky = intercept(store, (call, proceed) =>
      call.method === "create" && call.container === "fleet_leases" && ++creates === 1
        ? Promise.reject(new StoreUnavailable("no answer"))
        : proceed(),
    );
    const two = aWorld(unlucky, { name: "two", clock: world.clock });
    expect(await claim(two.fleet, PRODUCT, { factoryId: "f1" })).toMatchObject({
      kind: "claimed",
      lease: { status: "held", renewals: 0 },
    });
    expect(creates).toBe(2);
  });

  it("costs one write: a first lease is created unseen, a later one is read first", async () => {
    const store = await open();
    const calls: string[] = [];
    const world = aWorld(
      intercept(store, (call, proceed) => {
        if (call.container === "fleet_leases") calls.push(call.method);
        return proceed();
      }),
    );
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    expect(calls).toEqual(["create"]);
    await release(world.fleet, PRODUCT, job.id, who);
    calls.length = 0;
    await mustClaim(world, "f1");
    expect(calls).toEqual(["read", "replaceIfMatch"]);
  });
});

onEachStore("a lease left behind", (open) => {
  it.each<[string, number, boolean, Lease["status"]]>([
    ["of the job's epoch, which nobody owns", 3, false, "released"],
    ["of an older epoch, which nobody owns", 2, false, "released"],
    ["of an older epoch, while the job is owned", 2, true, "released"],
    ["of the job's epoch, while the job is owned", 3, true, "held"],
    ["of a newer epoch than the job as read", 4, false, "held"],
    ["of a newer epoch than the job as read, though that is owned", 4, true, "held"],
  ])("%s, is ended only if its epoch is over", async (_what, leaseEpoch, owned, status) => {
    const world = aWorld(await open());
    const job = aDocument.fleet_jobs({ leaseEpoch: 3 });
    const lease = aDocument.fleet_leases({ leaseEpoch });
    await world.fleet.leases.create(lease);
    expect(await settleLease(world.fleet, job, owned)).toEqual({ ...lease, status });
    expect(await leaseOf(world, job.id)).toEqual({ ...lease, status });
  });

  it("may be none at all", async () => {
    const world = aWorld(await open());
    expect(await settleLease(world.fleet, aDocument.fleet_jobs(), false)).toBeUndefined();
  });

  it.each<[string, Lease["status"] | "gone"]>([
    ["was revoked", "expired"],
    ["went", "gone"],
  ])("that %s at the same moment is answered as it then is", async (_what, becomes) => {
    const store = await open();
    const world = aWorld(store);
    const lease = aDocument.fleet_leases();
    await world.fleet.leases.create(lease);
    const racing = justBefore(store, writes("fleet_leases"), async () => {
      const read = await world.fleet.leases.get("job-1", "job-1");
      if (read === undefined) throw new Error("not found");
      if (becomes === "gone") await world.fleet.leases.deleteIfMatch("job-1", read);
      else await world.fleet.leases.replaceIfMatch(read, { ...lease, status: becomes });
    });
    const late = aWorld(racing, { name: "two", clock: world.clock });
    const settled = await settleLease(late.fleet, aDocument.fleet_jobs({ leaseEpoch: 1 }), false);
    expect(settled?.status ?? "gone").toBe(becomes);
  });

  it("is not held any more once its job is final", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    await patch(world.fleet, PRODUCT, job.id, { ...who, stage: "failed" });
    expect(await leaseOf(world, job.id)).toMatchObject({ status: "released", leaseEpoch: 1 });
  });
});

onEachStore("a lease that another factory renews by guessing the epoch", (open) => {
  it("is not extended", async () => {
    const world = aWorld(await open());
    const job = await aJob(world, { idempotencyKey: "a" });
    await mustClaim(world, await aFactory(world, "f1"));
    const before = await leaseOf(world, job.id);
    world.clock.advance(10);
    expect(await renew(world.fleet, PRODUCT, job.id, { ...who, factoryId: "zombie" })).toMatchObject({
      kind: "not_holder",
    });
    expect(await leaseOf(world, job.id)).toEqual(before);
  });
});

describe("a lease is held", () => {
  const endless = omit(aDocument.fleet_leases(), "expiresAt");
  const lengthless = omit(aDocument.fleet_leases(), "leaseSeconds");

  it.each<[string, Lease | undefined, boolean]>([
    ["by its holder at its epoch", aDocument.fleet_leases(), true],
    ["by nobody, where there is none", undefined, false],
    ["by nobody, where it was revoked", aDocument.fleet_leases({ status: "expired" }), false],
    ["by nobody else", aDocument.fleet_leases({ holderFactoryId: "f2" }), false],
    ["at no other epoch", aDocument.fleet_leases({ leaseEpoch: 2 }), false],
    ["not without an end", endless, false],
    ["not without a length", lengthless, false],
  ])("%s", (_what, lease, held) => {
    expect(isHeldBy(lease, who)).toBe(held);
  });
});
